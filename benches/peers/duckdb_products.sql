-- Question:  what do both products say of every account of a feed?
-- Input:     Parquet files named by variables: transactions (the feed with the columns class and counterparty_key),
--            accounts. as_of (null: the newest booking date), generated_at, rules_version; detail and report, each a
--            struct of what its dictionary tells (product, name, version, terms).
-- Output:    views detail_summary and report: the items of the dictionaries, in their shape, by account_id.
-- Keeps:     every account, with rows or without.
--
-- Money is integer fen in BIGINT, sums are HUGEINT. An account is a number in the order of ids, a month counts from the
-- year 0, a quarter is a third of that.

-- ---- Exact numbers

-- n / d as an integer, half to even; d above 0.
create or replace temp macro half_even(n, d) as
    sign(n) * (abs(n) // d + (2 * (abs(n) % d) + (abs(n) // d) % 2 > d)::tinyint);
create or replace temp macro money(fen) as fen::decimal(36, 0) * 0.01::decimal(2, 2);
create or replace temp macro millionths(n) as n::decimal(32, 0) * 0.000001::decimal(6, 6);
create or replace temp macro ratio(n, d) as
    case when d <> 0 then millionths(half_even(n::hugeint * sign(d) * 1000000, abs(d::hugeint))) end;
create or replace temp macro mean(s, n) as money(half_even(s::hugeint, n::hugeint));
-- The root of n / d with a sign. In doubles: their error is far below what could turn a sixth digit, and the squares of
-- large balances times 10^12 would leave 128 bits.
create or replace temp macro root_ratio(s, n, d) as
    case when d <> 0 then millionths(round_even(1e6 * s * sqrt(n::double / d::double), 0)::hugeint) end;
-- Of n values with sum s and sum of squares q: the variance times n^2, the variation, the deviation in fen.
create or replace temp macro spread(n, s, q) as n * q - s * s;
create or replace temp macro variation(n, s, q) as root_ratio(sign(s), spread(n::hugeint, s, q), s * s);
create or replace temp macro nearest_root(root, v, n) as
    root + case
        when (2 * root + 1) * (2 * root + 1) * n * n + (root % 2 = 0)::tinyint <= 4 * v then 1
        when root > 0 and (2 * root - 1) * (2 * root - 1) * n * n >= 4 * v + (root % 2 = 0)::tinyint then -1
        else 0
    end;
create or replace temp macro deviation(n, s, q) as
    money(nearest_root((sqrt(spread(n::hugeint, s, q)::double) / n)::hugeint, spread(n::hugeint, s, q), n::hugeint));
create or replace temp macro part(fen) as greatest(fen, 0);
create or replace temp macro sum_where(x, condition) as coalesce(sum(x) filter (condition), 0);
-- `greatest` passes over nulls.
create or replace temp macro greatest_of(a, b) as case when a is not null then greatest(a, b) end;
create or replace temp macro first_day(month) as make_date((month // 12)::int, (month % 12 + 1)::int, 1);
create or replace temp macro month_label(month) as printf('%04d-%02d', month // 12, month % 12 + 1);
create or replace temp macro quarter_label(quarter) as printf('%04dQ%d', quarter // 4, quarter % 4 + 1);
create or replace temp macro month_of(day) as (year(day) * 12 + month(day) - 1)::int;

-- ---- Rows: repeats removed, cut-offs applied

create or replace temp table cut as
select coalesce(getvariable('as_of')::date, max(booked_at)::date) as as_of
from read_parquet(getvariable('transactions'));

set variable as_of_day = (select as_of from cut);
set variable as_of_month = month_of(getvariable('as_of_day'));
-- The last complete month and quarter.
set variable last_month = month_of(getvariable('as_of_day') + 1) - 1;
set variable last_quarter = (getvariable('last_month') + 1) // 3 - 1;

create or replace temp table account as
with given as (
    select distinct * exclude (former_names) from read_parquet(getvariable('accounts'))
),

first_row as (
    select account_id, min(booked_at)::date as day
    from read_parquet(getvariable('transactions'))
    semi join (select account_id from given where opened_on is null) using (account_id)
    group by all
),

dated as (
    select *, coalesce(opened_on, day) as first_seen
    from given left join first_row using (account_id)
),

windows as (
    select
        * exclude (first_seen, day),
        (row_number() over (order by account_id))::int as account,
        case when first_seen <= getvariable('as_of_day') then first_seen end as opened,
        -- The first complete month and quarter that the account could have.
        month_of(opened) + (day(opened) > 1)::int as full_month,
        (full_month + 2) // 3 as full_quarter,
        greatest_of(month_of(opened), getvariable('as_of_month') - 35) as month_from,
        greatest_of(month_of(opened) // 3, getvariable('as_of_month') // 3 - 11) as quarter_from,
        greatest_of(full_month, greatest(getvariable('as_of_month') - 35, getvariable('last_month') - 11))
            as year_from_or_later
    from dated
)

select
    * exclude (full_month, full_quarter, year_from_or_later),
    case when getvariable('last_month') - year_from_or_later >= 2 then year_from_or_later end as year_from,
    getvariable('last_month') - year_from + 1 as year_months,
    first_day(year_from) as year_first_day,
    date_diff('day', year_first_day, first_day(getvariable('last_month') + 1))::int as year_days,
    case when full_quarter <= getvariable('last_quarter') then getvariable('last_quarter') end as q0,
    case when greatest(full_quarter, quarter_from) <= q0 - 1 then q0 - 1 end as q1,
    case when greatest(full_quarter, quarter_from) <= q0 - 3 then q0 - 3 end as q3,
    case when greatest(full_quarter, quarter_from) <= q0 - 4 then q0 - 4 end as q4
from windows;

create or replace temp table txn as
select
    account,
    booked_at,
    booked_at::date as day,
    month_of(booked_at) as month,
    seq,
    txn_id,
    direction = 'C' as inward,
    amount < 0 or reversal_of is not null as reversal,
    case when reversal then -1 else 1 end::tinyint as n,
    (100 * case when reversal then -abs(amount) else amount end)::bigint as fen,
    (100 * balance)::bigint as balance,
    class::enum ('CASH', 'OPENING_BANK', 'SAME_NAME', 'PUBLIC', 'PAYMENT_PLATFORM', 'AGENCY', 'OTHER') as class,
    class not in ('SAME_NAME', 'OPENING_BANK') as operating,
    case when counterparty_key is not null then hash(counterparty_key) end as key
from read_parquet(getvariable('transactions'))
join account using (account_id)
where booked_at::date between opened and getvariable('as_of_day');

-- Ids that come more than once are few: found by hash, then told apart by themselves, and taken out.
delete from txn where rowid in (
    select rowid
    from txn
    where hash(account, month, txn_id) in (
        select hash(account, month, txn_id) as id from txn group by id having count(*) > 1
    )
    qualify row_number() over (partition by account, month, txn_id) > 1
);

-- ---- Flows by month and quarter

create or replace temp table flow as
select account, month, class, inward, key, sum(n)::int as n, sum(fen)::bigint as fen
from txn
where month >= getvariable('as_of_month') - 35
group by all;

-- A product's periods: quarters where `quarterly`, else months.
create or replace temp table period as
select account, false as quarterly, unnest(range(month_from, getvariable('as_of_month') + 1))::int as period
from account
union all
select account, true, unnest(range(quarter_from, getvariable('as_of_month') // 3 + 1))::int
from account;

create or replace temp table class_flow as
with by_key as (
    select account, false as quarterly, month as period, class, inward, key, n, fen
    from flow
    union all
    select account, true, month // 3, class, inward, key, sum(n)::int, sum(fen)::bigint
    from flow
    where month // 3 >= getvariable('as_of_month') // 3 - 11
    group by all
)

select
    account, quarterly, period, class, inward,
    sum(n)::bigint as n,
    sum(fen)::bigint as fen,
    sum_where(fen, key is null)::bigint as keyless,
    count(key) filter (n > 0) as parties,
    max(fen) filter (key is not null and n > 0) as top
from by_key
group by all;

create or replace temp table period_flow as
select
    account, quarterly, period,
    sum_where(n, inward)::bigint as in_n,
    sum_where(fen, inward)::hugeint as in_fen,
    sum_where(n, not inward)::bigint as out_n,
    sum_where(fen, not inward)::hugeint as out_fen,
    sum_where(n, inward and class = 'CASH')::bigint as cash_in_n,
    sum_where(fen, inward and class = 'CASH')::hugeint as cash_in_fen,
    sum_where(n, not inward and class = 'CASH')::bigint as cash_out_n,
    sum_where(fen, not inward and class = 'CASH')::hugeint as cash_out_fen,
    sum_where(n, inward and class not in ('SAME_NAME', 'OPENING_BANK'))::bigint as op_in_n,
    sum_where(fen, inward and class not in ('SAME_NAME', 'OPENING_BANK'))::hugeint as op_in,
    sum_where(n, not inward and class not in ('SAME_NAME', 'OPENING_BANK'))::bigint as op_out_n,
    sum_where(fen, not inward and class not in ('SAME_NAME', 'OPENING_BANK'))::hugeint as op_out,
    sum_where(keyless, class = 'OTHER')::hugeint as unidentified,
    -- A period whose rows cancel out has rows all the same.
    count(class) > 0 as seen
from period left join class_flow using (account, quarterly, period)
group by all;

-- ---- Days and balances

create or replace temp table day as
select
    account, day, any_value(month) as month,
    sum_where(fen, inward and operating)::bigint as op_in,
    sum_where(fen, not inward and operating)::bigint as op_out,
    sum_where(fen, inward and class <> 'OPENING_BANK')::bigint as in_fen,
    sum_where(fen, not inward and class <> 'OPENING_BANK')::bigint as out_fen,
    bool_or(inward) as has_in,
    bool_or(not inward) as has_out,
    last(balance order by booked_at, seq nulls first, txn_id) filter (balance is not null) as balance,
    first(balance - case when inward then fen else -fen end order by booked_at, seq nulls first, txn_id)
        filter (balance is not null) as balance_before
from txn
group by account, day;

-- Runs of days with the same balance. Each first day of a month begins one, so a run lies in one month.
create or replace temp table run as
with known as (
    select account, day, balance, balance_before from day where balance is not null
    union all
    select account, greatest(first_day(period), opened), null, null
    from period join account using (account)
    where not quarterly
),

point as (
    select account, day, max(balance) as balance, max(balance_before) as balance_before from known group by all
),

carried as (
    select
        account, day, balance_before,
        coalesce(
            last_value(balance ignore nulls) over (partition by account order by day rows unbounded preceding),
            first_value(balance_before ignore nulls) over (
                partition by account order by day rows between unbounded preceding and unbounded following
            )
        ) as balance,
        coalesce(lead(day) over (partition by account order by day), getvariable('as_of_day') + 1) - day as days
    from point
)

select account, month_of(day) as month, day, balance_before, balance, days
from carried
where balance is not null and month_of(day) >= getvariable('as_of_month') - 35;

create or replace temp table period_balance as
with by_month as (
    select
        account, month,
        sum(balance * days) as total,
        sum(balance::hugeint * balance * days) as squares,
        sum(days)::bigint as days,
        max(balance) as highest,
        min(balance) as lowest,
        arg_min(balance, day) as carried,
        arg_min(balance_before, day) filter (balance_before is not null) as before,
        arg_max(balance, day) as closing
    from run
    group by all
)

select account, false as quarterly, month as period, * exclude (account, month, carried, before),
    coalesce(before, carried) as opening
from by_month
union all
select
    account, true, month // 3, sum(total), sum(squares), sum(days)::bigint, max(highest), min(lowest),
    arg_max(closing, month),
    coalesce(arg_min(before, month) filter (before is not null), arg_min(carried, month))
from by_month
where month // 3 >= getvariable('as_of_month') // 3 - 11
group by account, month // 3;

-- ---- The segments that both products have

create or replace temp table funds as
with active as (
    select account, month, count(*) as days from day where month >= getvariable('as_of_month') - 35 group by all
),

period_active as (
    select account, false as quarterly, month as period, days from active
    union all
    select account, true, month // 3, sum(days)::bigint from active group by all
)

select
    account, quarterly,
    list(struct_pack(
        period := case when quarterly then quarter_label(period) else month_label(period) end,
        in_count := in_n,
        in_amount := money(in_fen),
        out_count := out_n,
        out_amount := money(out_fen),
        net_amount := money(in_fen - out_fen),
        opening_balance := money(opening),
        closing_balance := money(closing),
        average_daily_balance := mean(total, b.days),
        max_balance := money(highest),
        min_balance := money(lowest),
        cash_in_count := cash_in_n,
        cash_in_amount := money(cash_in_fen),
        cash_out_count := cash_out_n,
        cash_out_amount := money(cash_out_fen),
        active_days := coalesce(a.days, 0)
    )).list_sort() as items,
    min(period) filter (seen) as first_seen,
    max(period) filter (seen) as last_seen,
    ratio(part(sum(in_fen + out_fen - unidentified)),
        part(sum(in_fen + out_fen - unidentified)) + part(sum(unidentified))) as identified_share
from period_flow
left join period_balance as b using (account, quarterly, period)
left join period_active as a using (account, quarterly, period)
group by all;

-- A list of periods begins with their labels, so sorting it sorts them: cheaper than an ordered aggregate. A view, so
-- that lists are written once.
create or replace temp view classes as
with wide as (
    select
        account, quarterly, period, class,
        max(n) filter (inward) as in_n,
        max(fen) filter (inward) as in_fen,
        max(n) filter (not inward) as out_n,
        max(fen) filter (not inward) as out_fen,
        max(parties) filter (inward) as in_parties,
        max(parties) filter (not inward) as out_parties,
        max(top) filter (inward) as in_top,
        max(top) filter (not inward) as out_top
    from class_flow
    where class <> 'CASH'
    group by all
),

every as (
    select account, quarterly, period, class
    from period
    cross join unnest(enum_range(
        null::enum ('OPENING_BANK', 'SAME_NAME', 'PUBLIC', 'PAYMENT_PLATFORM', 'AGENCY', 'OTHER')
    )) as c (class)
)

select
    account, quarterly, class,
    list(struct_pack(
        period := case when quarterly then quarter_label(period) else month_label(period) end,
        in_count := coalesce(in_n, 0),
        in_amount := money(coalesce(in_fen, 0)),
        out_count := coalesce(out_n, 0),
        out_amount := money(coalesce(out_fen, 0)),
        in_counterparties := coalesce(in_parties, 0),
        out_counterparties := coalesce(out_parties, 0),
        top_in_amount := money(in_top),
        top_out_amount := money(out_top)
    )).list_sort() as items
from every left join wide using (account, quarterly, period, class)
group by all;

create or replace temp macro list_of(name) as table select account, quarterly, items from classes where class = name;

-- One table for both products' common segments; the rest of the report joins it.
create or replace temp table common as
with dictionary as (
    select false as quarterly, unnest(getvariable('detail'))
    union all
    select true, unnest(getvariable('report'))
)

select
    account_id, account, quarterly,
    struct_pack(
        report_no := sha256(concat_ws(
            chr(31), product, provider_id, account_id, strftime(getvariable('as_of_day'), '%Y-%m-%d'), version,
            getvariable('rules_version'), ''
        ))[:20],
        product_name := name,
        subject_name := subject_name,
        user_institution := provider_name,
        purpose := 'precompute',
        queried_at := null::timestamptz,
        generated_at := getvariable('generated_at')::timestamptz
    ) as cover,
    struct_pack(
        product_version := version,
        rules_version := getvariable('rules_version'),
        period_from := case when quarterly then greatest_of(first_day(quarter_from * 3), opened)
            else greatest_of(first_day(month_from), opened) end,
        period_to := getvariable('as_of_day')
    ) as notes,
    struct_pack(
        subject_name := subject_name,
        subject_uscc := subject_uscc,
        provider_name := provider_name,
        account_no_masked := case when length(account_id) < 12 then '****'
            else account_id[:4] || '****' || account_id[-4:] end,
        account_type := account_type,
        currency := currency,
        opened_on := opened_on,
        account_status := status,
        first_month := month_label(case when quarterly then month_seen.first else funds.first_seen end),
        last_month := month_label(case when quarterly then month_seen.last else funds.last_seen end)
    ) as basic,
    coalesce(funds.items, []) as funds,
    coalesce(public.items, []) as public,
    coalesce(same_name.items, []) as same_name,
    coalesce(payment_platform.items, []) as payment_platform,
    coalesce(agency.items, []) as agency,
    coalesce(opening_bank.items, []) as opening_bank,
    coalesce(other.items, []) as other,
    struct_pack(
        terms := terms,
        identified_share := funds.identified_share,
        subject_statement := null::varchar,
        dispute_mark := 'none'
    ) as appendix
from account
cross join dictionary
left join funds using (account, quarterly)
left join list_of('PUBLIC') as public using (account, quarterly)
left join list_of('SAME_NAME') as same_name using (account, quarterly)
left join list_of('PAYMENT_PLATFORM') as payment_platform using (account, quarterly)
left join list_of('AGENCY') as agency using (account, quarterly)
left join list_of('OPENING_BANK') as opening_bank using (account, quarterly)
left join list_of('OTHER') as other using (account, quarterly)
left join (
    -- A quarter's rows do not tell their month.
    select account, min(period) as first, max(period) as last
    from period_flow join account using (account)
    where not quarterly and seen and period // 3 >= quarter_from
    group by all
) as month_seen using (account);

-- ---- What only the report has

-- Trade counterparties in W, Q0 and Q1.
create or replace temp table parties as
with monthly as (
    select account, inward, key, month, sum(n) as n, sum(fen) as fen
    from flow
    where class in ('PUBLIC', 'OTHER') and key is not null and month >= getvariable('last_month') - 11
    group by all
),

party as (
    select
        account, inward, key,
        sum(n) filter (month between year_from and getvariable('last_month')) > 0 as counted,
        part(sum(fen) filter (month between year_from and getvariable('last_month'))) as fen,
        count(*) filter (n > 0 and month between year_from and getvariable('last_month'))
            >= (any_value(year_months) + 1) // 2 as recurring,
        coalesce(sum(n) filter (month // 3 = q0) > 0, false) as current,
        part(sum(fen) filter (month // 3 = q0)) as current_fen,
        coalesce(sum(n) filter (month // 3 = q1) > 0, false) as previous
    from monthly join account using (account)
    group by account, inward, key
),

totals as (
    select
        account, inward,
        count(*) filter (counted) as counted,
        sum(fen) filter (counted) as whole,
        max(fen, 10) filter (counted) as top,
        sum(fen::hugeint * fen) filter (counted) as squares,
        sum_where(fen, counted and recurring) as recurring,
        count(*) filter (current) as current,
        count(*) filter (previous) as previous,
        count(*) filter (current and previous) as shared,
        sum(current_fen) filter (current) as current_fen,
        sum_where(current_fen, current and previous) as retained
    from party
    group by all
),

items as (
    select
        account, inward,
        counted as counterparties,
        ratio(top[1], whole) as top1_share,
        ratio(list_sum(top[:3]), whole) as top3_share,
        ratio(list_sum(top[:5]), whole) as top5_share,
        ratio(list_sum(top), whole) as top10_share,
        ratio(squares, whole::hugeint * whole) as hhi,
        ratio(whole::hugeint * whole, squares) as effective,
        ratio(recurring, whole) as recurring_share,
        ratio(current - shared, current) as new_ratio,
        ratio(previous - shared, previous) as lost_ratio,
        ratio(current + previous - 2 * shared, current + previous) as turnover_rate,
        ratio(shared, current + previous - shared) as jaccard,
        ratio(retained, current_fen) as retained_share
    from totals
)

select
    account,
    any_value(columns(* exclude (account, inward))) filter (inward) as "in_\0",
    any_value(columns(* exclude (account, inward))) filter (not inward) as "out_\0"
from items
group by account;

create or replace temp table year_month as
select
    account, period as month, period - year_from as place, year_months, year_from, op_in, op_out,
    op_in - op_out as op_net,
    op_in_n, op_out_n, in_fen, out_fen, unidentified, total, squares, days
from period_flow
join account using (account)
left join period_balance using (account, quarterly, period)
where not quarterly and period between year_from and getvariable('last_month');

-- The longest stretch between two neighbours of an ordered list, both left out.
create or replace temp macro longest_gap(l) as
    list_max(list_transform(list_zip(l[:-2], l[2:]), lambda pair: pair[2] - pair[1])) - 1;

create or replace temp table stability as
select
    account,
    mean(sum(op_in), year_months) as in_mean,
    deviation(year_months, sum(op_in), sum(op_in * op_in)) as in_sd,
    variation(year_months, sum(op_in), sum(op_in * op_in)) as in_cv,
    ratio(count(*) filter (op_in_n > 0), year_months) as in_active,
    longest_gap([year_from - 1] || coalesce(list(month order by month) filter (op_in_n > 0), [])
        || [getvariable('last_month') + 1]) as in_zero_run,
    mean(sum(op_out), year_months) as out_mean,
    deviation(year_months, sum(op_out), sum(op_out * op_out)) as out_sd,
    variation(year_months, sum(op_out), sum(op_out * op_out)) as out_cv,
    ratio(count(*) filter (op_out_n > 0), year_months) as out_active,
    longest_gap([year_from - 1] || coalesce(list(month order by month) filter (op_out_n > 0), [])
        || [getvariable('last_month') + 1]) as out_zero_run,
    ratio(count(*) filter (op_net < 0), year_months) as negative_share,
    sum(total) as balance_total,
    variation(sum(days), sum(total), sum(squares)) as balance_cv,
    -- 377,580 is divisible by 28, 29, 30 and 31, so means of months compare as integers.
    ratio(min(total * (377580 // days)) * sum(days), 377580 * sum(total)) as lowest_month,
    ratio(part(sum(in_fen + out_fen - unidentified)),
        part(sum(in_fen + out_fen - unidentified)) + part(sum(unidentified))) as identified_share
from year_month
group by account, year_months, year_from;

create or replace temp table low_days as
select account, sum(days) filter (10 * balance * year_days < balance_total) as days
from run
join account using (account)
join stability using (account)
where month between year_from and getvariable('last_month')
group by account;

create or replace temp table days_of_year as
select
    account,
    ratio(sum_where(part(op_in), day(day) <= 10), sum(part(op_in))) as in_first,
    ratio(sum_where(part(op_in), day(day) between 11 and 20), sum(part(op_in))) as in_middle,
    ratio(sum_where(part(op_in), day(day) >= 21), sum(part(op_in))) as in_last,
    ratio(sum_where(part(op_in), isodow(day) <= 5), sum(part(op_in))) as in_weekday,
    ratio(sum_where(part(op_out), day(day) <= 10), sum(part(op_out))) as out_first,
    ratio(sum_where(part(op_out), day(day) between 11 and 20), sum(part(op_out))) as out_middle,
    ratio(sum_where(part(op_out), day(day) >= 21), sum(part(op_out))) as out_last,
    ratio(sum_where(part(op_out), isodow(day) <= 5), sum(part(op_out))) as out_weekday,
    count(*) as active,
    longest_gap([year_first_day - 1] || list(day order by day) || [year_first_day + year_days]) as longest_gap,
    ratio(sum(part(least(in_fen, out_fen))), sum(part(in_fen))) as pass_through
from day join account using (account)
where month between year_from and getvariable('last_month')
group by account, year_first_day, year_days;

create or replace temp table last_days as
select account, max(day) filter (has_in) as last_in, max(day) filter (has_out) as last_out,
    count(distinct month) as months
from day join account using (account)
where month // 3 >= quarter_from
group by account;

create or replace temp table entropy as
with mix as (
    select account, inward, class, part(sum(fen)) as fen
    from class_flow join account using (account)
    where not quarterly and period between year_from and getvariable('last_month')
    group by all
),

shares as (
    select account, inward, fen::double / sum(fen) over (partition by account, inward) as share
    from mix
    where fen > 0
),

entropies as (
    select account, inward, millionths(round_even(1e6 * abs(sum(share * ln(share))) / ln(7), 0)::bigint) as entropy
    from shares
    group by all
)

select account, any_value(entropy) filter (inward) as in_entropy, any_value(entropy) filter (not inward) as out_entropy
from entropies
group by account;

-- From the quarter q to Q0, over the former's absolute amount.
create or replace temp macro change(x, period, q0, q) as
    ratio((sum(x) filter (period = q0) - sum(x) filter (period = q))::hugeint, abs(sum(x) filter (period = q)));

create or replace temp table quarters as
select
    account,
    case when count(q3) > 0 then ratio(max(part(op_in)) filter (period between q3 and q0),
        sum(part(op_in)) filter (period between q3 and q0)) end as in_peak,
    case when count(q3) > 0 then ratio(max(part(op_out)) filter (period between q3 and q0),
        sum(part(op_out)) filter (period between q3 and q0)) end as out_peak,
    change(op_in, period, q0, q1) as in_qoq,
    change(op_in, period, q0, q4) as in_yoy,
    change(op_out, period, q0, q1) as out_qoq,
    change(op_out, period, q0, q4) as out_yoy,
    change(op_in - op_out, period, q0, q1) as net_qoq,
    change(op_in - op_out, period, q0, q4) as net_yoy
from period_flow join account using (account)
where quarterly
group by account;

-- The slopes are multiplied by 27,720, which every distance up to 11 divides: they are integers.
create or replace temp table slopes as
with series as (
    select account, place, year_months, unnest(['in', 'out', 'net']) as way, unnest([op_in, op_out, op_net]) as x
    from year_month
    where year_months >= 6
),

pairs as (
    select
        a.account, a.way,
        list(
            (b.x - a.x) * (27720 // (b.place - a.place)) order by (b.x - a.x) * (27720 // (b.place - a.place))
        ) as slopes,
        sum(sign(b.x - a.x))::bigint as s,
        count(*) filter (a.x <> b.x) as untied
    from series as a join series as b on a.account = b.account and a.way = b.way and a.place < b.place
    group by all
),

sizes as (
    select
        account, way, year_months as n, sum(abs(x)) as size,
        sum_where(x, place >= year_months - 3) as recent,
        sum_where(x, place < year_months - 3) as prior
    from series
    group by all
),

items as (
    select
        account, way,
        ratio((slopes[(len(slopes) + 1) // 2] + slopes[len(slopes) // 2 + 1]) * n, 2 * 27720 * size) as theil_sen,
        root_ratio(sign(s), s * s, untied * len(slopes)) as tau,
        ratio(recent * (n - 3), prior * 3) as recent
    from pairs join sizes using (account, way)
)

select
    account,
    any_value(columns(* exclude (account, way))) filter (way = 'in') as "in_\0",
    any_value(columns(* exclude (account, way))) filter (way = 'out') as "out_\0",
    any_value(columns(* exclude (account, way))) filter (way = 'net') as "net_\0"
from items
group by account;

create or replace temp table bands as
with bound as (
    select unnest([0, 100000, 1000000, 5000000, 20000000, 50000000, 200000000])::bigint as lower,
        unnest([100000, 1000000, 5000000, 20000000, 50000000, 200000000, null])::bigint as upper
),

flow_of_band as (
    select
        account, inward,
        case
            when abs(fen) < 100000 then 0
            when abs(fen) < 1000000 then 100000
            when abs(fen) < 5000000 then 1000000
            when abs(fen) < 20000000 then 5000000
            when abs(fen) < 50000000 then 20000000
            when abs(fen) < 200000000 then 50000000
            else 200000000
        end::bigint as lower,
        month, sum(n) as n, sum(fen) as fen
    from txn
    where operating and month >= getvariable('last_month') - 13
    group by all
),

sums as (
    select
        account, lower,
        sum_where(n, inward and month // 3 = q0)::bigint as q_in_n,
        sum_where(fen, inward and month // 3 = q0) as q_in,
        sum_where(n, not inward and month // 3 = q0)::bigint as q_out_n,
        sum_where(fen, not inward and month // 3 = q0) as q_out,
        sum_where(n, inward and month >= year_from)::bigint as y_in_n,
        sum_where(fen, inward and month >= year_from) as y_in,
        sum_where(n, not inward and month >= year_from)::bigint as y_out_n,
        sum_where(fen, not inward and month >= year_from) as y_out
    from flow_of_band join account using (account)
    where month <= getvariable('last_month')
    group by all
),

dense as (
    select
        account, lower, upper, q0 is not null as has_quarter, year_from is not null as has_year,
        coalesce(columns(sums.* exclude (account, lower)), 0),
        part(q_in) as q_in_part, part(q_out) as q_out_part, part(y_in) as y_in_part, part(y_out) as y_out_part
    from account cross join bound left join sums using (account, lower)
)

select account, list(struct_pack(
    lower_bound := money(lower),
    upper_bound := money(upper),
    quarter_in_count := case when has_quarter then q_in_n end,
    quarter_in_amount := case when has_quarter then money(q_in) end,
    quarter_in_share := case when has_quarter then ratio(q_in_part, q_in_whole) end,
    quarter_out_count := case when has_quarter then q_out_n end,
    quarter_out_amount := case when has_quarter then money(q_out) end,
    quarter_out_share := case when has_quarter then ratio(q_out_part, q_out_whole) end,
    year_in_count := case when has_year then y_in_n end,
    year_in_amount := case when has_year then money(y_in) end,
    year_in_share := case when has_year then ratio(y_in_part, y_in_whole) end,
    year_out_count := case when has_year then y_out_n end,
    year_out_amount := case when has_year then money(y_out) end,
    year_out_share := case when has_year then ratio(y_out_part, y_out_whole) end
) order by lower) as items
from dense
join (
    select account, sum(q_in_part) as q_in_whole, sum(q_out_part) as q_out_whole, sum(y_in_part) as y_in_whole,
        sum(y_out_part) as y_out_whole
    from dense
    group by account
) using (account)
group by account;

-- ---- The products

create or replace temp view detail_summary as
select * exclude (account, quarterly) from common where not quarterly order by account;

create or replace temp view report as
select
    account_id, cover, notes, basic, funds, public, same_name, payment_platform, agency, opening_bank, other,
    struct_pack(
        in_top1_share, in_top3_share, in_top5_share, in_top10_share, in_hhi,
        in_effective_counterparties := in_effective,
        in_counterparties := case when year_from is not null then coalesce(in_counterparties, 0) end,
        out_top1_share, out_top3_share, out_top5_share, out_top10_share, out_hhi,
        out_effective_counterparties := out_effective,
        out_counterparties := case when year_from is not null then coalesce(out_counterparties, 0) end
    ) as concentration,
    struct_pack(
        in_monthly_mean := in_mean,
        in_monthly_sd := in_sd,
        in_monthly_cv := in_cv,
        in_active_month_ratio := in_active,
        in_longest_zero_run := in_zero_run,
        in_recurring_share,
        out_monthly_mean := out_mean,
        out_monthly_sd := out_sd,
        out_monthly_cv := out_cv,
        out_active_month_ratio := out_active,
        out_longest_zero_run := out_zero_run,
        out_recurring_share,
        balance_cv,
        low_balance_day_share :=
            case when balance_total is not null then ratio(coalesce(low_days.days, 0), year_days) end,
        negative_net_month_share := negative_share,
        lowest_month_mean_ratio := lowest_month
    ) as stability,
    struct_pack(
        in_first_ten_days_share := in_first,
        in_middle_ten_days_share := in_middle,
        in_last_days_share := in_last,
        in_weekday_share := in_weekday,
        in_peak_quarter_share := in_peak,
        in_class_entropy := in_entropy,
        out_first_ten_days_share := out_first,
        out_middle_ten_days_share := out_middle,
        out_last_days_share := out_last,
        out_weekday_share := out_weekday,
        out_peak_quarter_share := out_peak,
        out_class_entropy := out_entropy
    ) as distribution,
    struct_pack(
        in_new_ratio := case when q1 is not null then in_new_ratio end,
        in_lost_ratio := case when q1 is not null then in_lost_ratio end,
        in_turnover_rate := case when q1 is not null then in_turnover_rate end,
        in_jaccard := case when q1 is not null then in_jaccard end,
        in_retained_amount_share := case when q1 is not null then in_retained_share end,
        out_new_ratio := case when q1 is not null then out_new_ratio end,
        out_lost_ratio := case when q1 is not null then out_lost_ratio end,
        out_turnover_rate := case when q1 is not null then out_turnover_rate end,
        out_jaccard := case when q1 is not null then out_jaccard end,
        out_retained_amount_share := case when q1 is not null then out_retained_share end
    ) as counterparty_turnover,
    struct_pack(
        in_qoq, in_yoy,
        in_theil_sen_slope := in_theil_sen, in_mann_kendall_tau := in_tau, in_recent_to_prior_ratio := in_recent,
        out_qoq, out_yoy,
        out_theil_sen_slope := out_theil_sen, out_mann_kendall_tau := out_tau, out_recent_to_prior_ratio := out_recent,
        net_qoq, net_yoy,
        net_theil_sen_slope := net_theil_sen, net_mann_kendall_tau := net_tau, net_recent_to_prior_ratio := net_recent
    ) as trend,
    bands.items as amount_bands,
    struct_pack(
        account_age_months := case when opened_on <= getvariable('as_of_day') then
            getvariable('as_of_month') - month_of(opened_on)
            - (day(getvariable('as_of_day')) < day(opened_on))::int end,
        observed_months := coalesce(last_days.months, 0),
        active_day_ratio := case when year_from is not null then ratio(coalesce(active, 0), year_days) end,
        days_since_last_in := getvariable('as_of_day') - last_in,
        days_since_last_out := getvariable('as_of_day') - last_out,
        longest_gap_days := case when year_from is not null then coalesce(longest_gap, year_days) end,
        pass_through_ratio := pass_through,
        identified_amount_ratio := stability.identified_share
    ) as activity,
    appendix
from common
join account using (account_id, account)
left join parties using (account)
left join stability using (account)
left join low_days using (account)
left join days_of_year using (account)
left join last_days using (account)
left join entropy using (account)
left join quarters using (account)
left join slopes using (account)
left join bands using (account)
where quarterly
order by account;
