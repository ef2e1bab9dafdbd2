"""Both products by DataFusion's SQL as it comes, without a function of our own.

The steps are those of duckdb_products.sql. DataFusion has no macros, so the arithmetic that SQL lacks (halves to even,
exact ratios) is written by the small functions below, and no 128-bit integer, so wide numbers are decimal(38, 0).
"""

import datetime

from datafusion import RuntimeEnvBuilder, SessionConfig, SessionContext

from inputs import arguments_of_a_peer

CLASSES = ("PUBLIC", "SAME_NAME", "PAYMENT_PLATFORM", "AGENCY", "OPENING_BANK", "OTHER")
WAYS = ("in", "out")
BANDS = (0, 100_000, 1_000_000, 5_000_000, 20_000_000, 50_000_000, 200_000_000)
OWN = "('SAME_NAME', 'OPENING_BANK')"


# ---- Exact numbers, as SQL


def wide(n):
    return f"cast({n} as decimal(38, 0))"


def half_even(n, d):
    """n / d as an integer; d above 0."""
    rest = f"({n}) % ({d})"
    whole = f"cast((({n}) - {rest}) / ({d}) as decimal(38, 0))"
    up = f"2 * abs({rest}) > ({d}) or (2 * abs({rest}) = ({d}) and {whole} % 2 <> 0)"
    return f"({whole} + case when {up} then case when ({n}) < 0 then -1 else 1 end else 0 end)"


def scaled(n, digits):
    unit = "0." + "1".zfill(digits)
    return f"(cast({n} as decimal({38 - digits}, 0)) * cast('{unit}' as decimal({digits}, {digits})))"


def money(fen):
    return f"cast({scaled(fen, 2)} as decimal(38, 2))"


def ratio(n, d):
    n, d = wide(n), wide(d)
    signed = f"case when {d} < 0 then -{n} else {n} end * 1000000"
    return f"case when {d} <> 0 then cast({scaled(half_even(signed, f'abs({d})'), 6)} as decimal(38, 6)) end"


def mean(total, n):
    return money(half_even(wide(total), wide(n)))


def part(fen):
    return f"case when {fen} > 0 then {fen} else 0 end"


def sum_where(x, condition):
    return f"coalesce(sum({x}) filter (where {condition}), 0)"


def root_ratio(sign, n, d):
    """The root of n / d with a sign; its error in doubles is far below what could turn a sixth digit."""
    root = f"round(1e6 * {sign} * sqrt(cast({n} as double) / cast({d} as double)))"
    return f"case when ({d}) <> 0 then cast({scaled(f'cast({root} as bigint)', 6)} as decimal(38, 6)) end"


def variation(n, total, squares):
    total = wide(total)
    spread = f"({wide(n)} * {squares} - {total} * {total})"
    return root_ratio(f"case when {total} < 0 then -1 else 1 end", spread, f"{total} * {total}")


def deviation(n, total, squares):
    n, total = wide(n), wide(total)
    spread = f"({n} * {squares} - {total} * {total})"
    root = wide(f"round(sqrt(cast({spread} as double)) / cast({n} as double))")
    even = f"case when {root} % 2 = 0 then 1 else 0 end"
    above = f"(2 * {root} + 1) * (2 * {root} + 1) * {n} * {n} + {even} <= 4 * {spread}"
    below = f"{root} > 0 and (2 * {root} - 1) * (2 * {root} - 1) * {n} * {n} >= 4 * {spread} + {even}"
    return money(f"({root} + case when {above} then 1 when {below} then -1 else 0 end)")


def identified_share(total, unidentified):
    identified = part(f"({total} - {unidentified})")
    return ratio(identified, f"({identified} + {part(unidentified)})")


def month_of(day):
    return f"cast(date_part('year', {day}) * 12 + date_part('month', {day}) - 1 as int)"


def month_of_number(day):
    return month_of(f"cast({day} as date)")


def first_day(month):
    """The number of a month's first day."""
    return f"cast(make_date(cast({month} / 12 as int), cast({month} % 12 + 1 as int), 1) as int)"


def month_label(month):
    return f"concat(lpad(cast({month} / 12 as varchar), 4, '0'), '-', lpad(cast({month} % 12 + 1 as varchar), 2, '0'))"


def quarter_label(quarter):
    return f"concat(lpad(cast({quarter} / 4 as varchar), 4, '0'), 'Q', cast({quarter} % 4 + 1 as varchar))"


def greatest_of(a, b):
    """Null where the first is."""
    return f"case when {a} is not null then greatest({a}, {b}) end"


def text(value):
    return "'" + value.replace("'", "''") + "'"


def struct(**items):
    return "named_struct(" + ", ".join(f"'{name}', {value}" for name, value in items.items()) + ")"


def both_ways(write):
    return ",\n".join(write(way, "inward" if way == "in" else "not inward") for way in WAYS)


def label(table):
    period = f"{table}.period"
    return f"case when {table}.quarterly then {quarter_label(period)} else {month_label(period)} end"


# ---- The tables, each by name and in the order of its making


def tables(setting):
    as_of_day = datetime.date.fromisoformat(setting["as_of"])
    as_of = (as_of_day - datetime.date(1970, 1, 1)).days
    as_of_month = as_of_day.year * 12 + as_of_day.month - 1
    next_day = as_of_day + datetime.timedelta(days=1)
    last_month = next_day.year * 12 + next_day.month - 2
    last_quarter = (last_month + 1) // 3 - 1
    month_from, quarter_from = as_of_month - 35, as_of_month // 3 - 11
    in_year = f"month between year_from and {last_month}"

    # Ids that come more than once are few, and finding them needs three columns.
    yield "repeated", """
        select account_id, txn_id, date_trunc('month', booked_at) as month
        from feed
        group by account_id, txn_id, date_trunc('month', booked_at)
        having count(*) > 1"""

    year_from = f"greatest(full_month, {max(month_from, last_month - 11)})"

    def quarter_before(back):
        return f"case when greatest(full_quarter, quarter_from) <= q0 - {back} then q0 - {back} end as q{back}"

    yield "account", f"""
        with given as (
            select distinct account_id, provider_id, provider_name, subject_uscc, subject_name, account_type, currency,
                opened_on, status
            from accounts
        ),
        first_row as (
            select account_id, cast(cast(min(booked_at) as date) as int) as day
            from feed left semi join (select account_id from given where opened_on is null) as undated
                using (account_id)
            group by account_id
        ),
        dated as (
            select given.*, coalesce(cast(opened_on as int), day) as first_seen
            from given left join first_row using (account_id)
        ),
        opened as (
            select *, case when first_seen <= {as_of} then first_seen end as opened,
                cast(row_number() over (order by account_id) as int) as account
            from dated
        ),
        full_month as (
            select *, {month_of_number("opened")}
                + case when date_part('day', cast(opened as date)) > 1 then 1 else 0 end as full_month
            from opened
        ),
        windows as (
            select *, (full_month + 2) / 3 as full_quarter,
                {greatest_of(month_of_number("opened"), month_from)} as month_from,
                {greatest_of(month_of_number("opened") + " / 3", quarter_from)} as quarter_from,
                case when {last_month} - {year_from} >= 2 and opened is not null then {year_from} end as year_from,
                case when (full_month + 2) / 3 <= {last_quarter} then {last_quarter} end as q0
            from full_month
        )
        select *, {last_month} - year_from + 1 as year_months, {first_day("year_from")} as year_first_day,
            {first_day(str(last_month + 1))} - {first_day("year_from")} as year_days,
            {quarter_before(1)}, {quarter_before(3)}, {quarter_before(4)}
        from windows"""

    needed = """feed.account_id, feed.txn_id, feed.booked_at, feed.seq, feed.direction, feed.amount, feed.balance,
        feed.reversal_of, feed.class, feed.counterparty_key"""
    same = """feed.account_id = repeated.account_id and feed.txn_id = repeated.txn_id
        and date_trunc('month', feed.booked_at) = repeated.month"""
    yield "txn", f"""
        with once as (
            select {needed} from feed left anti join repeated on {same}
            union all
            select distinct {needed} from feed left semi join repeated on {same}
        ),
        signed as (
            select *, cast(cast(booked_at as date) as int) as day, amount < 0 or reversal_of is not null as reversal,
                cast(amount * 100 as bigint) as given
            from once
        )
        select account, booked_at, day, {month_of("booked_at")} as month, seq, txn_id, direction = 'C' as inward,
            cast(case when reversal then -1 else 1 end as bigint) as n,
            case when reversal then -abs(given) else given end as fen,
            cast(balance * 100 as bigint) as balance, class, class not in {OWN} as operating, counterparty_key as key
        from signed join account using (account_id)
        where day between opened and {as_of}"""

    # ---- Flows by month and quarter

    yield "flow", f"""
        select account, month, class, inward, key, sum(n) as n, sum(fen) as fen
        from txn where month >= {month_from}
        group by account, month, class, inward, key"""

    yield "period", f"""
        select account, false as quarterly, cast(unnest(range(month_from, {as_of_month + 1})) as int) as period
        from account where opened is not null
        union all
        select account, true, cast(unnest(range(quarter_from, {as_of_month // 3 + 1})) as int)
        from account where opened is not null"""

    yield "class_flow", f"""
        with by_key as (
            select account, false as quarterly, month as period, class, inward, key, n, fen from flow
            union all
            select account, true, month / 3, class, inward, key, sum(n), sum(fen)
            from flow where month / 3 >= {quarter_from}
            group by account, month / 3, class, inward, key
        )
        select account, quarterly, period, class, inward, sum(n) as n, sum(fen) as fen,
            {sum_where("fen", "key is null")} as keyless,
            count(key) filter (where n > 0) as parties,
            max(fen) filter (where key is not null and n > 0) as top
        from by_key
        group by account, quarterly, period, class, inward"""

    def sums_of_way(way, inward):
        conditions = {
            way: inward, f"cash_{way}": f"{inward} and class = 'CASH'", f"op_{way}": f"{inward} and class not in {OWN}"
        }
        return ", ".join(
            f"{sum_where('n', condition)} as {name}_n, {sum_where('fen', condition)} as {name}_fen"
            for name, condition in conditions.items()
        )

    yield "period_flow", f"""
        select account, quarterly, period, {both_ways(sums_of_way)},
            {sum_where("keyless", "class = 'OTHER'")} as unidentified, count(class) > 0 as seen
        from period left join class_flow using (account, quarterly, period)
        group by account, quarterly, period"""

    # ---- Days and balances

    in_order = "order by booked_at, seq nulls first, txn_id"
    yield "day", f"""
        select account, day, min(month) as month,
            {sum_where("fen", "inward and operating")} as op_in,
            {sum_where("fen", "not inward and operating")} as op_out,
            {sum_where("fen", "inward and class <> 'OPENING_BANK'")} as in_fen,
            {sum_where("fen", "not inward and class <> 'OPENING_BANK'")} as out_fen,
            bool_or(inward) as has_in,
            bool_or(not inward) as has_out
        from txn
        group by account, day"""

    # A day's last balance and the one before its first, by neighbours: one sort instead of ordered aggregates.
    yield "known", f"""
        with neighbours as (
            select account, day, balance, balance - case when inward then fen else -fen end as before,
                lag(day) over (partition by account {in_order}) as previous,
                lead(day) over (partition by account {in_order}) as next
            from txn
            where balance is not null
        )
        select account, day, max(balance) filter (where (next is distinct from day)) as balance,
            max(before) filter (where previous is distinct from day) as balance_before
        from neighbours
        where (previous is distinct from day) or (next is distinct from day)
        group by account, day"""

    # Runs of days with the same balance. Each first day of a month begins one, so a run lies in one month.
    yield "run", f"""
        with points as (
            select account, day, balance, balance_before from known
            union all
            select account, greatest({first_day("period")}, opened), null, null
            from period join account using (account)
            where not quarterly
        ),
        point as (
            select account, day, max(balance) as balance, max(balance_before) as balance_before
            from points group by account, day
        ),
        first_known as (
            select account, first_value(balance_before order by day) as first_balance from known group by account
        ),
        carried as (
            select account, day, balance_before,
                last_value(balance) ignore nulls over (
                    partition by account order by day rows between unbounded preceding and current row
                ) as balance,
                lead(day, 1, {as_of + 1}) over (partition by account order by day) - day as days
            from point
        )
        select account, {month_of_number("day")} as month, day, balance_before,
            coalesce(balance, first_balance) as balance, days
        from carried join first_known using (account)
        where day >= {(datetime.date(month_from // 12, month_from % 12 + 1, 1) - datetime.date(1970, 1, 1)).days}"""

    yield "period_balance", f"""
        with by_month as (
            select account, month, sum({wide("balance")} * days) as total,
                sum({wide("balance")} * {wide("balance")} * days) as squares,
                sum(days) as days, max(balance) as highest, min(balance) as lowest,
                first_value(balance order by day) as carried,
                first_value(balance_before order by day) filter (where balance_before is not null) as before,
                last_value(balance order by day) as closing
            from run
            group by account, month
        )
        select account, false as quarterly, month as period, total, squares, days, highest, lowest, closing,
            coalesce(before, carried) as opening
        from by_month
        union all
        select account, true, month / 3, sum(total), sum(squares), sum(days), max(highest), min(lowest),
            last_value(closing order by month),
            coalesce(first_value(before order by month) filter (where before is not null),
                first_value(carried order by month))
        from by_month
        where month / 3 >= {quarter_from}
        group by account, month / 3"""

    # ---- The segments that both products have

    funds = struct(
        period=label("f"), in_count="in_n", in_amount=money("in_fen"), out_count="out_n", out_amount=money("out_fen"),
        net_amount=money("(in_fen - out_fen)"), opening_balance=money("opening"), closing_balance=money("closing"),
        average_daily_balance=mean("total", "b.days"), max_balance=money("highest"), min_balance=money("lowest"),
        cash_in_count="cash_in_n", cash_in_amount=money("cash_in_fen"), cash_out_count="cash_out_n",
        cash_out_amount=money("cash_out_fen"), active_days="coalesce(a.days, 0)",
    )
    yield "fund_item", f"""
        with active as (
            select account, month, count(*) as days from day where month >= {month_from} group by account, month
        ),
        period_active as (
            select account, false as quarterly, month as period, days from active
            union all
            select account, true, month / 3, sum(days) from active group by account, month / 3
        )
        select f.account, f.quarterly, {funds} as item, in_fen, out_fen, unidentified
        from period_flow as f
        left join period_balance as b using (account, quarterly, period)
        left join period_active as a using (account, quarterly, period)
        order by f.account, f.quarterly, f.period"""

    yield "funds", f"""
        with lists as (
            select account, quarterly, array_agg(item) as items, sum(in_fen + out_fen) as total,
                sum(unidentified) as unidentified
            from fund_item
            group by account, quarterly
        )
        select account, quarterly, items, {identified_share("total", "unidentified")} as identified_share
        from lists"""

    def of_way(way, inward):
        names = ("n", "fen", "parties", "top")
        return ", ".join(f"max({name}) filter (where {inward}) as {way}_{name}" for name in names)

    row = struct(
        period=label("period"), in_count="coalesce(in_n, 0)", in_amount=money("coalesce(in_fen, 0)"),
        out_count="coalesce(out_n, 0)", out_amount=money("coalesce(out_fen, 0)"),
        in_counterparties="coalesce(in_parties, 0)", out_counterparties="coalesce(out_parties, 0)",
        top_in_amount=money("in_top"), top_out_amount=money("out_top"),
    )
    yield "class_item", f"""
        with wide as (
            select account, quarterly, period, class, {both_ways(of_way)}
            from class_flow where class <> 'CASH'
            group by account, quarterly, period, class
        ),
        names as (select unnest([{", ".join(map(text, CLASSES))}]) as class)
        select account, quarterly, class, {row} as item
        from period cross join names
        left join wide using (account, quarterly, period, class)
        order by account, quarterly, class, period"""

    yield "classes", """
        select account, quarterly, class, array_agg(item) as items from class_item group by account, quarterly, class"""

    # ---- What only the report has

    party_sums = ", ".join(f"{sum_where('fen', f'counted and place <= {k}')} as top{k}" for k in (1, 3, 5, 10))
    yield "party", f"""
        with monthly as (
            select account, inward, key, month, sum(n) as n, sum(fen) as fen
            from flow
            where class in ('PUBLIC', 'OTHER') and key is not null and month >= {last_month - 11}
            group by account, inward, key, month
        ),
        sums as (
            select account, inward, key,
                {sum_where("n", in_year)} > 0 as counted,
                {sum_where("fen", in_year)} as fen,
                count(*) filter (where n > 0 and {in_year}) >= (min(year_months) + 1) / 2 as recurring,
                {sum_where("n", "month / 3 = q0")} > 0 as current,
                {sum_where("fen", "month / 3 = q0")} as current_fen,
                {sum_where("n", "month / 3 = q1")} > 0 as previous
            from monthly join account using (account)
            group by account, inward, key
        ),
        parts as (
            select account, inward, counted, {part("fen")} as fen, recurring, current,
                {part("current_fen")} as current_fen, previous
            from sums
        ),
        ranked as (
            select *, row_number() over (partition by account, inward, counted order by fen desc) as place from parts
        )
        select account, inward, {party_sums},
            count(*) filter (where counted) as counted,
            sum(fen) filter (where counted) as whole,
            sum({wide("fen")} * {wide("fen")}) filter (where counted) as squares,
            {sum_where("fen", "counted and recurring")} as recurring,
            count(*) filter (where current) as current,
            count(*) filter (where previous) as previous,
            count(*) filter (where current and previous) as shared,
            sum(current_fen) filter (where current) as current_fen,
            {sum_where("current_fen", "current and previous")} as retained
        from ranked
        group by account, inward"""

    whole_square = f"{wide('whole')} * {wide('whole')}"
    figures = {f"top{k}_share": ratio(f"top{k}", "whole") for k in (1, 3, 5, 10)} | {
        "hhi": ratio("squares", whole_square),
        "effective_counterparties": ratio(whole_square, "squares"),
        "counterparties": "counted",
        "recurring_share": ratio("recurring", "whole"),
        "new_ratio": ratio("(current - shared)", "current"),
        "lost_ratio": ratio("(previous - shared)", "previous"),
        "turnover_rate": ratio("(current + previous - 2 * shared)", "(current + previous)"),
        "jaccard": ratio("shared", "(current + previous - shared)"),
        "retained_amount_share": ratio("retained", "current_fen"),
    }

    def figures_of_way(way, inward):
        return ", ".join(f"max({name}) filter (where {inward}) as {way}_{name}" for name in figures)

    yield "parties", f"""
        with figures as (
            select account, inward, {", ".join(f"{figure} as {name}" for name, figure in figures.items())} from party
        )
        select account, {both_ways(figures_of_way)} from figures group by account"""

    yield "year_month", f"""
        select f.account, f.period as month, f.period - year_from as place, year_months, year_from, op_in_fen,
            op_out_fen, op_in_n, op_out_n, in_fen, out_fen, unidentified, total, squares, days
        from period_flow as f
        join account on f.account = account.account
        left join period_balance as b on f.account = b.account and f.quarterly = b.quarterly and f.period = b.period
        where not f.quarterly and f.period between year_from and {last_month}"""

    def year_sums(way, _):
        fen, active = f"op_{way}_fen", f"op_{way}_n > 0"
        return f"""sum({fen}) as {way}_sum, sum({wide(fen)} * {wide(fen)}) as {way}_squares,
            count(*) filter (where {active}) as {way}_active"""

    def year_figures(way, _):
        total, squares = f"{way}_sum", f"{way}_squares"
        return f"""{mean(total, "year_months")} as {way}_monthly_mean,
            {deviation("year_months", total, squares)} as {way}_monthly_sd,
            {variation("year_months", total, squares)} as {way}_monthly_cv,
            {ratio(f"{way}_active", "year_months")} as {way}_active_month_ratio"""

    yield "stability", f"""
        with sums as (
            select account, year_months, {both_ways(year_sums)},
                count(*) filter (where op_in_fen < op_out_fen) as negative,
                sum(total) as balance_total, sum(squares) as balance_squares, sum(days) as days,
                -- 377,580 is divisible by 28, 29, 30 and 31, so means of months compare as integers.
                min(total * (377580 / days)) as lowest,
                sum(in_fen + out_fen) as total, sum(unidentified) as unidentified
            from year_month
            group by account, year_months
        )
        select account, {both_ways(year_figures)},
            balance_total,
            {variation("days", "balance_total", "balance_squares")} as balance_cv,
            {ratio("negative", "year_months")} as negative_net_month_share,
            {ratio("(lowest * days)", "(377580 * balance_total)")} as lowest_month_mean_ratio,
            {identified_share("total", "unidentified")} as identified_amount_ratio
        from sums"""

    def zero_run(way, _):
        return f"max(case when op_{way}_n > 0 then 0 else month - {way}_before end) as {way}_longest_zero_run"

    def month_before(way, _):
        return f"""coalesce(max(case when op_{way}_n > 0 then month end) over (
            partition by account order by month rows between unbounded preceding and current row
        ), year_from - 1) as {way}_before"""

    yield "zero_runs", f"""
        with marked as (select *, {both_ways(month_before)} from year_month)
        select account, {both_ways(zero_run)} from marked group by account"""

    yield "low_days", f"""
        select run.account,
            {sum_where("days", f"10 * {wide('balance')} * year_days < balance_total")} as days
        from run
        join account on run.account = account.account
        join stability on run.account = stability.account
        where {in_year}
        group by run.account"""

    def shares_of_days(way, _):
        date, fen = "date_part('day', date)", part(f"op_{way}")
        conditions = {
            "first_ten_days_share": f"{date} <= 10",
            "middle_ten_days_share": f"{date} between 11 and 20",
            "last_days_share": f"{date} >= 21",
            "weekday_share": "date_part('dow', date) between 1 and 5",
        }
        shares = {name: ratio(sum_where(fen, of), f"sum({fen})") for name, of in conditions.items()}
        return ", ".join(f"{share} as {way}_{name}" for name, share in shares.items())

    through = f"sum(case when {part('in_fen')} < {part('out_fen')} then {part('in_fen')} else {part('out_fen')} end)"
    yield "days_of_year", f"""
        with dates as (
            select day.*, cast(day as date) as date, year_first_day, year_days,
                day - coalesce(lag(day) over (partition by account order by day), year_first_day - 1) as gap
            from day join account using (account)
            where {in_year}
        )
        select account, {both_ways(shares_of_days)}, count(*) as active,
            greatest(max(gap), min(year_first_day + year_days) - max(day)) - 1 as longest_gap,
            {ratio(through, f"sum({part('in_fen')})")} as pass_through_ratio
        from dates
        group by account"""

    yield "last_days", """
        select account, max(day) filter (where has_in) as last_in, max(day) filter (where has_out) as last_out,
            count(distinct month) as months, min(month) as first_month, max(month) as last_month
        from day join account using (account)
        where month / 3 >= quarter_from
        group by account"""

    def entropy_of_way(way, inward):
        nats = f"sum(share * ln(share)) filter (where {inward})"
        return f"{scaled(f'cast(round(1e6 * abs({nats}) / ln(7.0)) as bigint)', 6)} as {way}_class_entropy"

    yield "entropy", f"""
        with mix as (
            select account, inward, class, sum(fen) as fen
            from class_flow join account using (account)
            where not quarterly and period between year_from and {last_month}
            group by account, inward, class
        ),
        shares as (
            select account, inward, cast(fen as double) / sum(fen) over (partition by account, inward) as share
            from mix where fen > 0
        )
        select account, {both_ways(entropy_of_way)} from shares group by account"""

    def quarter_sums(way, _):
        fen = f"op_{way}_fen"
        quarters = ", ".join(f"sum({fen}) filter (where period = {q}) as {way}_{q}" for q in ("q0", "q1", "q4"))
        four = "filter (where period between q3 and q0)"
        return f"{quarters}, max({part(fen)}) {four} as {way}_peak, sum({part(fen)}) {four} as {way}_four"

    def change(way, q):
        now, then = (f"{way}_q0", f"{way}_{q}") if way != "net" else ("(in_q0 - out_q0)", f"(in_{q} - out_{q})")
        return ratio(f"({now} - {then})", f"abs({then})")

    changes = ", ".join(
        f"{change(way, q)} as {way}_{name}" for way in (*WAYS, "net") for name, q in (("qoq", "q1"), ("yoy", "q4"))
    )
    yield "quarters", f"""
        with sums as (
            select account, {both_ways(quarter_sums)}
            from period_flow as f join account using (account)
            where quarterly
            group by account
        )
        select account, {changes},
            {both_ways(lambda way, _: f"{ratio(f'{way}_peak', f'{way}_four')} as {way}_peak_quarter_share")}
        from sums"""

    # The slopes are multiplied by 27,720, which every distance up to 11 divides: they are integers.
    trend = ("theil_sen_slope", "mann_kendall_tau", "recent_to_prior_ratio")
    by_way = ", ".join(
        f"max({name}) filter (where way = '{way}') as {way}_{name}" for way in (*WAYS, "net") for name in trend
    )
    square = "cast(s * s as double)"
    middle = wide("slopes[(pairs + 1) / 2] + slopes[pairs / 2 + 1]")
    yield "slopes", f"""
        with series as (
            select account, place, year_months, 'in' as way, op_in_fen as x from year_month where year_months >= 6
            union all
            select account, place, year_months, 'out', op_out_fen from year_month where year_months >= 6
            union all
            select account, place, year_months, 'net', op_in_fen - op_out_fen from year_month where year_months >= 6
        ),
        rises as (
            select a.account, a.way, b.x - a.x as rise, (b.x - a.x) * (27720 / (b.place - a.place)) as slope
            from series as a join series as b on a.account = b.account and a.way = b.way and a.place < b.place
        ),
        pairs as (
            select account, way, array_agg(slope order by slope) as slopes, count(*) as pairs,
                count(*) filter (where rise > 0) - count(*) filter (where rise < 0) as s,
                count(*) filter (where rise <> 0) as untied
            from rises
            group by account, way
        ),
        sizes as (
            select account, way, year_months as n, sum({wide("abs(x)")}) as size,
                {sum_where("x", "place >= year_months - 3")} as recent,
                {sum_where("x", "place < year_months - 3")} as prior
            from series
            group by account, way, year_months
        ),
        figures as (
            select account, way,
                {ratio(f"({middle} * n)", "(55440 * size)")} as theil_sen_slope,
                {root_ratio("case when s < 0 then -1 else 1 end", square, "(untied * pairs)")} as mann_kendall_tau,
                {ratio("(recent * (n - 3))", "(prior * 3)")} as recent_to_prior_ratio
            from pairs join sizes using (account, way)
        )
        select account, {by_way} from figures group by account"""

    bound = "case " + " ".join(f"when abs(fen) >= {lower} then {lower}" for lower in reversed(BANDS)) + " end"
    spans = {"quarter": "month / 3 = q0", "year": f"{in_year}"}
    names = [f"{span}_{way}" for span in spans for way in WAYS]
    sums = ", ".join(
        f"{sum_where(what, f'{of} and {inward}')} as {span}_{way}_{what}"
        for span, of in spans.items()
        for way, inward in (("in", "inward"), ("out", "not inward"))
        for what in ("n", "fen")
    )
    given = {"quarter": "q0 is not null", "year": "year_from is not null"}
    band = {"lower_bound": money("lower"), "upper_bound": money("upper")}
    for name in names:
        has = given[name.split("_")[0]]
        band[f"{name}_count"] = f"case when {has} then {name}_n end"
        band[f"{name}_amount"] = f"case when {has} then {money(f'{name}_fen')} end"
        band[f"{name}_share"] = f"case when {has} then {ratio(f'{name}_part', f'{name}_whole')} end"
    parts = ", ".join(
        f"{part(f'{name}_fen')} as {name}_part, sum({part(f'{name}_fen')}) over (partition by account) as {name}_whole"
        for name in names
    )
    dense = ", ".join(f"coalesce({name}_{what}, 0) as {name}_{what}" for name in names for what in ("n", "fen"))
    bounds = ", ".join(f"({lower}, {upper})" for lower, upper in zip(BANDS, (*BANDS[1:], "null")))
    yield "band_item", f"""
        with flow_of_band as (
            select account, inward, {bound} as lower, month, sum(n) as n, sum(fen) as fen
            from txn
            where operating and month between {last_month - 13} and {last_month}
            group by account, inward, {bound}, month
        ),
        sums as (
            select account, lower, {sums}
            from flow_of_band as f join account using (account)
            group by account, lower
        ),
        bound as (select * from (values {bounds}) as b (lower, upper)),
        dense as (
            select account, lower, upper, q0, year_from, {dense}
            from account cross join bound
            left join sums using (account, lower)
        ),
        parts as (select *, {parts} from dense)
        select account, {struct(**band)} as item from parts order by account, lower"""

    yield "bands", "select account, array_agg(item) as items from band_item group by account"


def products(setting):
    """The queries of the two products, each with its file's name."""
    as_of = (datetime.date.fromisoformat(setting["as_of"]) - datetime.date(1970, 1, 1)).days
    as_of_month = int(setting["as_of"][:4]) * 12 + int(setting["as_of"][5:7]) - 1
    in_year = "year_from is not null"

    def common(dictionary, quarterly, first, first_month, last_month):
        words = ", ".join((text(dictionary["product"]), "provider_id", "a.account_id", text(setting["as_of"]),
                           text(dictionary["version"]), text(setting["rules_version"]), "''"))
        segments = {
            "cover": struct(
                report_no=f"substr(encode(sha256(concat_ws(chr(31), {words})), 'hex'), 1, 20)",
                product_name=text(dictionary["name"]), subject_name="subject_name", user_institution="provider_name",
                purpose="'precompute'", queried_at="arrow_cast(null, 'Timestamp(Millisecond, Some(\"+08:00\"))')",
                generated_at=f"arrow_cast({text(setting['generated_at'])}, 'Timestamp(Millisecond, Some(\"+08:00\"))')",
            ),
            "notes": struct(
                product_version=text(dictionary["version"]), rules_version=text(setting["rules_version"]),
                period_from=f"cast({greatest_of(first_day(first), 'opened')} as date)",
                period_to=f"cast({as_of} as date)",
            ),
            "basic": struct(
                subject_name="subject_name", subject_uscc="subject_uscc", provider_name="provider_name",
                account_no_masked="""case when character_length(a.account_id) < 12 then '****'
                    else concat(substr(a.account_id, 1, 4), '****', right(a.account_id, 4)) end""",
                account_type="account_type", currency="currency", opened_on="opened_on", account_status="status",
                first_month=f"case when {first_month} is not null then {month_label(first_month)} end",
                last_month=f"case when {last_month} is not null then {month_label(last_month)} end",
            ),
            "funds": "coalesce(f.items, [])",
        }
        segments |= {name.lower(): f"coalesce({name.lower()}, [])" for name in CLASSES}
        appendix = struct(
            terms=text(dictionary["terms"]), identified_share="identified_share",
            subject_statement="cast(null as varchar)", dispute_mark="'none'",
        )

        def list_of(name):
            rows = f"select account, items as {name.lower()} from classes where {quarterly} and class = '{name}'"
            return f"left join ({rows}) as {name.lower()}_list on a.account = {name.lower()}_list.account"

        joins = f"""from account as a
            left join (select * from funds where {quarterly}) as f on a.account = f.account
            {" ".join(map(list_of, CLASSES))}"""
        return segments, appendix, joins

    def query(segments, joins):
        columns = ", ".join(f"{value} as {name}" for name, value in segments.items())
        return f"select a.account_id, {columns} {joins} order by a.account_id"

    segments, appendix, joins = common(
        setting["detail"], "not quarterly", "month_from", "seen.first_month", "seen.last_month"
    )
    joins += """ left join (
        select account, min(period) as first_month, max(period) as last_month
        from period_flow
        where not quarterly and seen
        group by account
    ) as seen on a.account = seen.account"""
    yield "detail-summary", query(segments | {"appendix": appendix}, joins)

    segments, appendix, joins = common(
        setting["report"], "quarterly", "(quarter_from * 3)", "last_days.first_month", "last_days.last_month"
    )

    def of_both(*names):
        return {f"{way}_{name}": f"{way}_{name}" for way in WAYS for name in names}

    concentration = of_both(
        "top1_share", "top3_share", "top5_share", "top10_share", "hhi", "effective_counterparties", "counterparties"
    )
    for way in WAYS:
        concentration[f"{way}_counterparties"] = f"case when {in_year} then coalesce({way}_counterparties, 0) end"
    low = f"case when balance_total is not null then {ratio('low_days.days', 'year_days')} end"
    monthly = of_both(
        "monthly_mean", "monthly_sd", "monthly_cv", "active_month_ratio", "longest_zero_run", "recurring_share"
    )
    shares = of_both(
        "first_ten_days_share", "middle_ten_days_share", "last_days_share", "weekday_share", "peak_quarter_share",
        "class_entropy",
    )
    turnover = of_both("new_ratio", "lost_ratio", "turnover_rate", "jaccard", "retained_amount_share")
    trend = [f"{way}_{name}" for way in (*WAYS, "net")
             for name in ("qoq", "yoy", "theil_sen_slope", "mann_kendall_tau", "recent_to_prior_ratio")]
    age = f"""case when opened_on <= cast({as_of} as date) then {as_of_month} - {month_of('opened_on')}
        - case when date_part('day', opened_on) > {int(setting["as_of"][8:])} then 1 else 0 end end"""
    segments |= {
        "concentration": struct(**concentration),
        "stability": struct(**monthly, balance_cv="balance_cv", low_balance_day_share=low,
                            negative_net_month_share="negative_net_month_share",
                            lowest_month_mean_ratio="lowest_month_mean_ratio"),
        "distribution": struct(**shares),
        "counterparty_turnover": struct(**{name: f"case when q1 is not null then {name} end" for name in turnover}),
        "trend": struct(**{name: name for name in trend}),
        "amount_bands": "bands.items",
        "activity": struct(
            account_age_months=f"cast({age} as bigint)",
            observed_months="coalesce(last_days.months, 0)",
            active_day_ratio=f"case when {in_year} then {ratio('coalesce(active, 0)', 'year_days')} end",
            days_since_last_in=f"cast({as_of} - last_in as bigint)",
            days_since_last_out=f"cast({as_of} - last_out as bigint)",
            longest_gap_days=f"cast(case when {in_year} then coalesce(longest_gap, year_days) end as bigint)",
            pass_through_ratio="pass_through_ratio",
            identified_amount_ratio="identified_amount_ratio",
        ),
        "appendix": appendix,
    }
    for table in (
        "parties", "stability", "zero_runs", "low_days", "days_of_year", "last_days", "entropy", "quarters", "slopes",
        "bands",
    ):
        joins += f" left join {table} on a.account = {table}.account"
    yield "report", query(segments, joins)


def main():
    arguments, setting = arguments_of_a_peer(__doc__)
    # Larger batches than the default 8,192: sorts merge fewer of them. At ten million rows that halves the whole.
    config = SessionConfig({"datafusion.execution.batch_size": "65536"}).with_target_partitions(arguments.threads)
    context = SessionContext(config, RuntimeEnvBuilder())
    context.register_parquet("feed", setting["transactions"].removesuffix("*.parquet"))
    context.register_parquet("accounts", setting["accounts"])
    for name, query in tables(setting):
        # An ordered array_agg is many times slower than one of rows that come in order. So the rows stand sorted in one
        # partition, and one worker makes lists of them; comparing shows that their order held.
        in_order = name in ("funds", "classes", "bands")
        context.sql(f"set datafusion.execution.target_partitions = {1 if in_order else arguments.threads}").collect()
        if name.endswith("_item"):
            context.from_arrow(context.sql(query).to_arrow_table(), name)
        else:
            context.sql(f"create table {name} as {query}").collect()
    context.sql(f"set datafusion.execution.target_partitions = {arguments.threads}").collect()
    arguments.out.mkdir(parents=True, exist_ok=True)
    for name, query in products(setting):
        context.sql(query).write_parquet(str(arguments.out / f"{name}.parquet"), compression="snappy")


if __name__ == "__main__":
    main()
