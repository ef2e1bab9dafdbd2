"""Both products by Polars: lazy plans, collected where several later ones start from the same table.

The steps are those of duckdb_products.sql, in expressions. Money is integer fen, sums of squares are 128-bit integers.
The one thing that Polars has no expression for, SHA-256, is done by Python's hashlib, an account at a time.
"""

import datetime
import hashlib
import math
import os
from decimal import Decimal

from inputs import arguments_of_a_peer

CLASSES = ("PUBLIC", "SAME_NAME", "PAYMENT_PLATFORM", "AGENCY", "OPENING_BANK", "OTHER")
WAYS = ("in", "out")
BANDS = (0, 100_000, 1_000_000, 5_000_000, 20_000_000, 50_000_000, 200_000_000)
ARGUMENTS, SETTING = arguments_of_a_peer(__doc__)
# Polars reads it once, when it is imported.
os.environ["POLARS_MAX_THREADS"] = str(ARGUMENTS.threads)

import polars as pl  # noqa: E402
from polars import col, lit, when  # noqa: E402

# From ten million rows on it is the faster one; see README.md.
pl.Config.set_engine_affinity("streaming")
WIDE = pl.Int128


# ---- Exact numbers


def half_even(n, d):
    """n / d as an integer; null where d is 0. Division rounds down."""
    n, d = when(d < 0).then(0 - n).otherwise(n), when(d < 0).then(0 - d).otherwise(d)
    q = n // d
    rest = 2 * (n - q * d)
    return q + ((rest > d) | ((rest == d) & (q % 2 == 1))).cast(WIDE)


def scaled(n, digits):
    unit = lit(Decimal(1).scaleb(-digits), dtype=pl.Decimal(digits, digits))
    return n.cast(WIDE).cast(pl.Decimal(38 - digits, 0)) * unit


def money(fen):
    return scaled(fen, 2)


def ratio(n, d):
    return scaled(half_even(n.cast(WIDE) * 1_000_000, d.cast(WIDE)), 6)


def mean(total, n):
    return money(half_even(total.cast(WIDE), n.cast(WIDE)))


def part(fen):
    return when(fen < 0).then(0).otherwise(fen)


def where(condition, name):
    """A column's values where the condition holds, else 0: adding these up costs less than a filter in each group."""
    return when(condition).then(name).otherwise(0)


def sign(n):
    return (n > 0).cast(pl.Int64) - (n < 0).cast(pl.Int64)


def root_ratio(s, n, d):
    """The root of n / d with a sign; its error in doubles is far below what could turn a sixth digit."""
    root = (1e6 * s * (n.cast(pl.Float64) / d.cast(pl.Float64)).sqrt()).round(0, mode="half_to_even")
    return scaled(when(d != 0).then(root).cast(pl.Int64), 6)


def spread(n, total, squares):
    return n.cast(WIDE) * squares - total.cast(WIDE) * total.cast(WIDE)


def variation(n, total, squares):
    return root_ratio(sign(total), spread(n, total, squares), total.cast(WIDE) * total.cast(WIDE))


def deviation(n, total, squares):
    v, n = spread(n, total, squares), n.cast(WIDE)
    root = (v.cast(pl.Float64).sqrt() / n.cast(pl.Float64)).round(0).cast(WIDE)
    even = (root % 2 == 0).cast(WIDE)
    above = (2 * root + 1) * (2 * root + 1) * n * n + even <= 4 * v
    below = (root > 0) & ((2 * root - 1) * (2 * root - 1) * n * n >= 4 * v + even)
    return money(root + above.cast(WIDE) - below.cast(WIDE))


def month_of(day):
    return day.dt.year().cast(pl.Int32) * 12 + day.dt.month().cast(pl.Int32) - 1


def first_day(month):
    return pl.date(month // 12, month % 12 + 1, 1)


def month_label(month):
    return first_day(month).dt.strftime("%Y-%m")


def quarter_label(quarter):
    return pl.format("{}Q{}", quarter // 4, quarter % 4 + 1)


def days_between(later, earlier):
    return (later - earlier).dt.total_days()


# ---- Rows: repeats removed, cut-offs applied

AS_OF = datetime.date.fromisoformat(SETTING["as_of"])
AS_OF_MONTH = AS_OF.year * 12 + AS_OF.month - 1
MONTH_FROM, QUARTER_FROM = AS_OF_MONTH - 35, AS_OF_MONTH // 3 - 11
NEXT_DAY = AS_OF + datetime.timedelta(days=1)
LAST_MONTH = NEXT_DAY.year * 12 + NEXT_DAY.month - 2
LAST_QUARTER = (LAST_MONTH + 1) // 3 - 1


def accounts_and_windows(feed):
    months = {"month": month_of(col("opened")), "quarter": month_of(col("opened")) // 3}
    given = pl.scan_parquet(SETTING["accounts"]).drop("former_names").unique()
    undated = given.filter(col("opened_on").is_null()).select("account_id")
    first_row = feed.join(undated, on="account_id", how="semi").group_by("account_id").agg(
        col("booked_at").min().dt.date().alias("first_row")
    )
    seen = pl.coalesce("opened_on", "first_row")
    full_quarter = (col("full_month") + 2) // 3
    year_from = pl.max_horizontal("full_month", lit(max(MONTH_FROM, LAST_MONTH - 11)))

    def quarter_before(q0, back):
        earliest = pl.max_horizontal(full_quarter, "quarter_from")
        return when(earliest <= q0 - back).then(q0 - back).alias(f"q{back}")

    return (
        given.join(first_row, on="account_id", how="left")
        .sort("account_id")
        .with_row_index("account")
        .with_columns(opened=when(seen <= AS_OF).then(seen))
        .with_columns(
            full_month=month_of(col("opened")) + (col("opened").dt.day() > 1).cast(pl.Int32),
            has_periods=col("opened").is_not_null(),
        )
        .with_columns(
            when("has_periods").then(pl.max_horizontal(months["month"], lit(MONTH_FROM))).alias("month_from"),
            when("has_periods").then(pl.max_horizontal(months["quarter"], lit(QUARTER_FROM))).alias("quarter_from"),
            when(col("has_periods") & (LAST_MONTH - year_from >= 2)).then(year_from).alias("year_from"),
        )
        .with_columns(
            year_months=LAST_MONTH - col("year_from") + 1,
            year_first_day=first_day(col("year_from")),
            year_end=first_day(lit(LAST_MONTH + 1)),
            q0=when(full_quarter <= LAST_QUARTER).then(lit(LAST_QUARTER, dtype=pl.Int32)),
        )
        .with_columns(
            days_between(col("year_end"), col("year_first_day")).alias("year_days"),
            *(quarter_before(col("q0"), back) for back in (1, 3, 4)),
        )
        .collect()
    )


def rows(feed, accounts):
    reversal = (col("amount") < 0) | col("reversal_of").is_not_null()
    fen = (col("amount") * 100).cast(pl.Int64)
    kept = accounts.lazy().filter("has_periods").select("account_id", "account", "opened")
    txn = (
        feed.join(kept, on="account_id")
        .select(
            "account", "booked_at", "seq", "txn_id", "opened",
            day=col("booked_at").dt.date(),
            month=month_of(col("booked_at")),
            inward=col("direction") == "C",
            n=when(reversal).then(-1).otherwise(1).cast(pl.Int64),
            fen=when(reversal).then(0 - fen.abs()).otherwise(fen),
            balance=(col("balance") * 100).cast(pl.Int64),
            **{"class": col("class").cast(pl.Enum(("CASH", *CLASSES)))},
            key=when(col("counterparty_key").is_not_null()).then(col("counterparty_key").hash()),
        )
        .filter(col("day") <= AS_OF, col("day") >= col("opened"))
        .with_columns(
            operating=~col("class").is_in(["SAME_NAME", "OPENING_BANK"]),
            identity=col("account").hash(0) ^ col("txn_id").hash(1) ^ col("month").hash(2),
        )
        .drop("opened")
        .collect()
    )
    # Ids that come more than once are few: found by hash, then told apart by themselves.
    repeated = txn.lazy().group_by("identity").len().filter(col("len") > 1).select("identity").collect()
    if repeated.is_empty():
        return txn.drop("identity")
    once = txn.join(repeated, on="identity", how="semi").unique(["account", "month", "txn_id"])
    return pl.concat([txn.join(repeated, on="identity", how="anti"), once]).drop("identity")


# ---- Flows by month and quarter

PERIOD = ["account", "quarterly", "period"]


def periods(accounts):
    with_periods = accounts.lazy().filter("has_periods")
    months = with_periods.select(
        "account", quarterly=lit(False), period=pl.int_ranges("month_from", AS_OF_MONTH + 1, dtype=pl.Int32)
    )
    quarters = with_periods.select(
        "account", quarterly=lit(True), period=pl.int_ranges("quarter_from", AS_OF_MONTH // 3 + 1, dtype=pl.Int32)
    )
    return pl.concat([months, quarters]).explode("period").collect()


def class_flows(flow):
    by_quarter = (
        flow.lazy().filter(col("month") // 3 >= QUARTER_FROM)
        .group_by("account", (col("month") // 3).alias("period"), "class", "inward", "key")
        .agg(col("n").sum(), col("fen").sum())
    )

    def of(table, quarterly):
        counted = col("key").is_not_null() & (col("n") > 0)
        return (
            table.select(
                "account", "period", "class", "inward", "n", "fen",
                keyless=when(col("key").is_null()).then("fen").otherwise(0),
                parties=counted.cast(pl.Int64),
                top=when(counted).then("fen"),
            )
            .group_by("account", "period", "class", "inward")
            .agg(col("n", "fen", "keyless", "parties").sum(), col("top").max())
            .with_columns(quarterly=lit(quarterly))
        )

    return pl.concat([of(flow.lazy().rename({"month": "period"}), False), of(by_quarter, True)]).collect()


def period_flows(period, class_flow):
    operating = ~col("class").is_in(["SAME_NAME", "OPENING_BANK"])
    parts = {"unidentified": where(col("class") == "OTHER", "keyless")}
    for way, inward in (("in", col("inward")), ("out", ~col("inward"))):
        for name, of in ((way, inward), (f"cash_{way}", inward & (col("class") == "CASH"))):
            parts |= {f"{name}_n": where(of, "n"), f"{name}_fen": where(of, "fen")}
        parts |= {f"op_{way}_n": where(inward & operating, "n"), f"op_{way}": where(inward & operating, "fen")}
    found = class_flow.lazy().select(*PERIOD, **parts).group_by(PERIOD).agg(pl.all().sum(), seen=lit(True).first())
    return (
        period.lazy()
        .join(found, on=PERIOD, how="left")
        .with_columns(col("seen").fill_null(False), pl.exclude(*PERIOD, "seen").fill_null(0))
        .collect()
    )


# ---- Days and balances


def days(txn):
    principal = col("class") == "OPENING_BANK"
    parts = {
        "op_in": where(col("inward") & col("operating"), "fen"),
        "op_out": where(~col("inward") & col("operating"), "fen"),
        "in_fen": where(col("inward") & ~principal, "fen"),
        "out_fen": where(~col("inward") & ~principal, "fen"),
    }
    return (
        txn.lazy()
        .select("account", "day", "month", "inward", **parts)
        .group_by("account", "day")
        .agg(col("month").first(), col(*parts).sum(), has_in=col("inward").any(), has_out=(~col("inward")).any())
        .collect()
    )


def runs(txn, period, accounts):
    """Runs of days with the same balance. Each first day of a month begins one, so a run lies in one month."""
    signed = when("inward").then(col("fen")).otherwise(0 - col("fen"))
    # Of each day the last balance and the first before: one narrow sort is cheaper than a sort a group.
    known = (
        txn.lazy().filter(col("balance").is_not_null())
        .select("account", "day", "booked_at", "seq", "txn_id", "balance", balance_before=col("balance") - signed)
        .sort("account", "booked_at", "seq", "txn_id", nulls_last=False)
        .group_by("account", "day", maintain_order=True)
        .agg(col("balance").last(), col("balance_before").first())
    )
    starts = (
        period.lazy().filter(~col("quarterly"))
        .join(accounts.lazy().select("account", "opened"), on="account")
        .select("account", day=pl.max_horizontal(first_day(col("period")), "opened"),
                balance=lit(None, dtype=pl.Int64), balance_before=lit(None, dtype=pl.Int64))
    )

    def of_account(value, fill):
        """Values filled over the whole table, where they come from the same account."""
        return when(fill(when(value.is_not_null()).then("account")) == col("account")).then(fill(value))

    # Rows stand by account, so neighbours in the table do for windows, which cost more.
    earlier = of_account(col("balance"), pl.Expr.forward_fill)
    later = of_account(col("balance_before"), pl.Expr.backward_fill)
    next_day = when(col("account").shift(-1) == col("account")).then(col("day").shift(-1)).otherwise(NEXT_DAY)
    return (
        pl.concat([known, starts])
        .sort("account", "day", "balance", nulls_last=False)
        .unique(["account", "day"], keep="last", maintain_order=True)
        .with_columns(
            days=days_between(next_day, col("day")),
            balance=pl.coalesce(earlier, later),
            month=month_of(col("day")),
        )
        .filter(col("balance").is_not_null(), col("month") >= MONTH_FROM)
        .collect()
    )


def period_balances(run):
    by_month = run.lazy().group_by("account", "month", maintain_order=True).agg(
        total=(col("balance").cast(WIDE) * col("days")).sum(),
        squares=(col("balance").cast(WIDE) * col("balance") * col("days")).sum(),
        days=col("days").sum(),
        highest=col("balance").max(),
        lowest=col("balance").min(),
        carried=col("balance").first(),
        before=col("balance_before").drop_nulls().first(),
        closing=col("balance").last(),
    )
    opening = pl.coalesce("before", "carried").alias("opening")
    months = by_month.with_columns(opening, quarterly=lit(False), period=col("month"))
    quarters = (
        by_month.filter(col("month") // 3 >= QUARTER_FROM)
        .group_by("account", (col("month") // 3).alias("period"), maintain_order=True)
        .agg(
            col("total", "squares", "days").sum(), col("highest").max(), col("lowest").min(),
            col("carried").first(), col("before").drop_nulls().first(), col("closing").last(),
        )
        .with_columns(opening, quarterly=lit(True))
    )
    wanted = [*PERIOD, "total", "squares", "days", "highest", "lowest", "opening", "closing"]
    return pl.concat([months.select(wanted), quarters.select(wanted)]).collect()


# ---- The segments that both products have

LABEL = when("quarterly").then(quarter_label(col("period"))).otherwise(month_label(col("period"))).alias("period")


def identified_share(total, unidentified):
    identified = part(total - unidentified)
    return ratio(identified, identified + part(unidentified))


def funds(period_flow, period_balance, day):
    seen = day.lazy().filter(col("month") >= MONTH_FROM)
    by_period = {False: seen.rename({"month": "period"}), True: seen.with_columns(period=col("month") // 3)}
    active = pl.concat(
        table.group_by("account", "period").agg(active=pl.len().cast(pl.Int64)).with_columns(quarterly=lit(quarterly))
        for quarterly, table in by_period.items()
    )
    row = pl.struct(
        LABEL,
        in_count="in_n", in_amount=money(col("in_fen")), out_count="out_n", out_amount=money(col("out_fen")),
        net_amount=money(col("in_fen").cast(WIDE) - col("out_fen")),
        opening_balance=money(col("opening")), closing_balance=money(col("closing")),
        average_daily_balance=mean(col("total"), col("days")),
        max_balance=money(col("highest")), min_balance=money(col("lowest")),
        cash_in_count="cash_in_n", cash_in_amount=money(col("cash_in_fen")),
        cash_out_count="cash_out_n", cash_out_amount=money(col("cash_out_fen")),
        active_days=col("active").fill_null(0),
    )
    total = col("in_fen").cast(WIDE).sum() + col("out_fen").cast(WIDE).sum()
    return (
        period_flow.lazy()
        .join(period_balance.lazy(), on=PERIOD, how="left")
        .join(active, on=PERIOD, how="left")
        .sort("account", "quarterly", "period")
        .with_columns(funds=row)
        .group_by("account", "quarterly", maintain_order=True)
        .agg(
            "funds",
            first_seen=col("period").filter(col("seen")).min(),
            last_seen=col("period").filter(col("seen")).max(),
            identified_share=identified_share(total, col("unidentified").cast(WIDE).sum()),
        )
    )


def classes(period, class_flow):
    """A column of lists a class, of one wide row a period."""
    of_way = {"in": col("inward"), "out": ~col("inward")}
    values = {
        f"{way}_{source}": when(inward).then(source)
        for way, inward in of_way.items() for source in ("n", "fen", "parties", "top")
    }
    wide = (
        class_flow.lazy().filter(col("class") != "CASH")
        .select(*PERIOD, "class", **values)
        .group_by(*PERIOD, "class").agg(pl.all().max())
        .collect().lazy()
    )
    row = pl.struct(
        col("label").alias("period"),
        in_count=col("in_n").fill_null(0), in_amount=money(col("in_fen").fill_null(0)),
        out_count=col("out_n").fill_null(0), out_amount=money(col("out_fen").fill_null(0)),
        in_counterparties=col("in_parties").fill_null(0), out_counterparties=col("out_parties").fill_null(0),
        top_in_amount=money(col("in_top")), top_out_amount=money(col("out_top")),
    )
    period = period.lazy().sort(PERIOD).with_columns(label=LABEL).collect().lazy()
    lists = None
    for name in CLASSES:
        one = (
            period.join(wide.filter(col("class") == name), on=PERIOD, how="left", maintain_order="left")
            .select("account", "quarterly", row.alias(name.lower()))
            .group_by("account", "quarterly", maintain_order=True)
            .agg(name.lower())
        )
        lists = one if lists is None else lists.join(one, on=["account", "quarterly"])
    return lists


def common(accounts, period_flow, lists, quarterly):
    """Cover, notes, basic, the lists and the appendix of one product, by account."""
    dictionary = SETTING["report" if quarterly else "detail"]

    def report_no(account):
        words = (dictionary["product"], account["provider_id"], account["account_id"], SETTING["as_of"],
                 dictionary["version"], SETTING["rules_version"], "")
        return hashlib.sha256("\x1f".join(words).encode()).hexdigest()[:20]

    words = accounts.select("provider_id", "account_id").to_dicts()
    numbers = pl.Series("report_no", [report_no(account) for account in words])
    first = first_day(col("quarter_from") * 3) if quarterly else first_day(col("month_from"))
    # A quarter's rows do not tell their month.
    seen = (
        period_flow.lazy().filter(~col("quarterly"), col("seen"))
        .join(accounts.lazy().select("account", "quarter_from"), on="account")
        .filter(col("period") // 3 >= col("quarter_from") if quarterly else lit(True))
        .group_by("account").agg(first_month=col("period").min(), last_month=col("period").max())
    )
    names = ["funds", *(name.lower() for name in CLASSES)]
    masked = when(col("account_id").str.len_chars() < 12).then(lit("****")).otherwise(
        pl.concat_str(col("account_id").str.head(4), lit("****"), col("account_id").str.tail(4))
    )
    generated_at = datetime.datetime.fromisoformat(SETTING["generated_at"])
    return (
        accounts.with_columns(numbers).lazy()
        .join(lists.filter(col("quarterly") == quarterly), on="account", how="left", maintain_order="left")
        .join(seen, on="account", how="left", maintain_order="left")
        .with_columns(
            cover=pl.struct(
                "report_no", lit(dictionary["name"]).alias("product_name"), "subject_name",
                col("provider_name").alias("user_institution"), lit("precompute").alias("purpose"),
                lit(None, dtype=pl.Datetime("us", "Asia/Shanghai")).alias("queried_at"),
                lit(generated_at).dt.convert_time_zone("Asia/Shanghai").alias("generated_at"),
            ),
            notes=pl.struct(
                lit(dictionary["version"]).alias("product_version"),
                lit(SETTING["rules_version"]).alias("rules_version"),
                when("has_periods").then(pl.max_horizontal(first, "opened")).alias("period_from"),
                lit(AS_OF).alias("period_to"),
            ),
            basic=pl.struct(
                "subject_name", "subject_uscc", "provider_name", masked.alias("account_no_masked"), "account_type",
                "currency", "opened_on", col("status").alias("account_status"),
                *(month_label(col(name)).alias(name) for name in ("first_month", "last_month")),
            ),
            appendix=pl.struct(
                lit(dictionary["terms"]).alias("terms"), "identified_share",
                lit(None, dtype=pl.String).alias("subject_statement"), lit("none").alias("dispute_mark"),
            ),
            **{name: col(name).fill_null([]) for name in names},
        )
        .select("account", "account_id", "cover", "notes", "basic", *names, "appendix")
    )


# ---- What only the report has


def by_way(table, figures):
    """One row an account: each figure of the rows in, then of the rows out."""
    return table.group_by("account").agg(
        figure.filter(inward).first().alias(f"{way}_{name}")
        for way, inward in (("in", col("inward")), ("out", ~col("inward")))
        for name, figure in figures.items()
    )


def parties(flow, windows):
    """Trade counterparties in W, Q0 and Q1."""
    in_year, counted = col("month").is_between(col("year_from"), LAST_MONTH), col("counted")
    party = (
        flow.lazy()
        .filter(col("class").is_in(["PUBLIC", "OTHER"]), col("key").is_not_null(), col("month") >= LAST_MONTH - 11)
        .group_by("account", "inward", "key", "month").agg(col("n").sum(), col("fen").sum())
        .join(windows, on="account")
        .with_columns(quarter=col("month") // 3)
        .group_by("account", "inward", "key")
        .agg(
            counted=col("n").filter(in_year).sum() > 0,
            fen=part(col("fen").filter(in_year).sum()),
            recurring=(in_year & (col("n") > 0)).sum() >= (col("year_months").first() + 1) // 2,
            current=col("n").filter(col("quarter") == col("q0")).sum() > 0,
            current_fen=part(col("fen").filter(col("quarter") == col("q0")).sum()),
            previous=col("n").filter(col("quarter") == col("q1")).sum() > 0,
            year_from=col("year_from").first(),
            q1=col("q1").first(),
        )
    )
    largest = col("fen").filter(counted).sort(descending=True)
    total = party.group_by("account", "inward").agg(
        *(largest.head(k).sum().alias(f"top{k}") for k in (1, 3, 5, 10)),
        col("year_from", "q1").first(),
        counted=counted.sum().cast(pl.Int64),
        whole=col("fen").filter(counted).sum(),
        squares=(col("fen").filter(counted).cast(WIDE) * col("fen").filter(counted)).sum(),
        recurring=col("fen").filter(counted & col("recurring")).sum(),
        current=col("current").sum().cast(pl.Int64),
        previous=col("previous").sum().cast(pl.Int64),
        shared=(col("current") & col("previous")).sum().cast(pl.Int64),
        current_fen=col("current_fen").filter("current").sum(),
        retained=col("current_fen").filter(col("current") & col("previous")).sum(),
    )
    both, c, p = col("shared"), col("current"), col("previous")
    whole, squares = col("whole").cast(WIDE), col("squares")

    def of_quarters(figure):
        return when(col("q1").is_not_null()).then(figure)

    return by_way(total, {
        "counterparties": col("counted"),
        **{f"top{k}_share": ratio(col(f"top{k}"), whole) for k in (1, 3, 5, 10)},
        "hhi": ratio(squares, whole * whole),
        "effective_counterparties": ratio(whole * whole, squares),
        "recurring_share": ratio(col("recurring"), whole),
        "new_ratio": of_quarters(ratio(c - both, c)),
        "lost_ratio": of_quarters(ratio(p - both, p)),
        "turnover_rate": of_quarters(ratio(c + p - 2 * both, c + p)),
        "jaccard": of_quarters(ratio(both, c + p - both)),
        "retained_amount_share": of_quarters(ratio(col("retained"), col("current_fen"))),
    })


def months_of_year(period_flow, period_balance, windows):
    return (
        period_flow.lazy().filter(~col("quarterly"))
        .join(windows, on="account")
        .filter(col("period").is_between(col("year_from"), LAST_MONTH))
        .join(period_balance.lazy(), on=PERIOD, how="left")
        .with_columns(op_net=col("op_in") - col("op_out"), place=col("period") - col("year_from"))
        .collect()
    )


def longest_gap(before, values, after):
    """The longest stretch without a value between two days or months, both left out."""
    return pl.max_horizontal(values.min() - before, values.sort().diff().max(), after - values.max()) - 1


def stability(year_month):
    n = col("year_months").first()
    figures = []
    for way in WAYS:
        fen, active = col(f"op_{way}").cast(WIDE), col("period").filter(col(f"op_{way}_n") > 0)
        before, after = col("year_from").first() - 1, lit(LAST_MONTH + 1, dtype=pl.Int32)
        figures += [
            mean(fen.sum(), n).alias(f"{way}_monthly_mean"),
            deviation(n, fen.sum(), (fen * fen).sum()).alias(f"{way}_monthly_sd"),
            variation(n, fen.sum(), (fen * fen).sum()).alias(f"{way}_monthly_cv"),
            ratio((col(f"op_{way}_n") > 0).sum(), n).alias(f"{way}_active_month_ratio"),
            pl.coalesce(longest_gap(before, active, after), n).cast(pl.Int64).alias(f"{way}_longest_zero_run"),
        ]
    has_balance = col("total").count() > 0
    total, all_days = col("total").sum(), col("days").sum()
    return year_month.lazy().group_by("account").agg(
        *figures,
        negative_net_month_share=ratio((col("op_net") < 0).sum(), n),
        balance_total=when(has_balance).then(total),
        balance_cv=when(has_balance).then(variation(all_days, total, col("squares").sum())),
        # 377,580 is divisible by 28, 29, 30 and 31, so means of months compare as integers.
        lowest_month_mean_ratio=when(has_balance).then(
            ratio((col("total") * (377_580 // col("days"))).min() * all_days, total * 377_580)
        ),
        identified_amount_ratio=identified_share(
            col("in_fen").cast(WIDE).sum() + col("out_fen").cast(WIDE).sum(), col("unidentified").cast(WIDE).sum()
        ),
    ).collect()


def low_days(run, windows, stable):
    low = 10 * col("balance").cast(WIDE) * col("year_days") < col("balance_total")
    return (
        run.lazy().join(windows, on="account").filter(col("month").is_between(col("year_from"), LAST_MONTH))
        .join(stable.lazy().select("account", "balance_total"), on="account")
        .group_by("account")
        .agg(low_balance_day_share=ratio(col("days").filter(low).sum(), col("year_days").first()))
    )


def days_of_year(day, windows):
    date = col("day").dt.day()
    chosen = {
        "first_ten_days_share": date <= 10,
        "middle_ten_days_share": date.is_between(11, 20),
        "last_days_share": date >= 21,
        "weekday_share": col("day").dt.weekday() <= 5,
    }
    whole = {f"{way}_whole": part(col(f"op_{way}")) for way in WAYS}
    parts = {
        f"{way}_{name}": when(of).then(whole[f"{way}_whole"]).otherwise(0)
        for way in WAYS for name, of in chosen.items()
    }
    through = {"whole": part(col("in_fen")), "through": pl.min_horizontal(part(col("in_fen")), part(col("out_fen")))}
    sums = whole | parts | through
    number, first = col("day").cast(pl.Int32), col("year_first_day").cast(pl.Int32)
    gap = longest_gap(col("before").first(), col("number"), col("after").first())
    return (
        day.lazy().join(windows, on="account").filter(col("month").is_between(col("year_from"), LAST_MONTH))
        .select("account", **sums, number=number, before=first - 1, after=first + col("year_days").cast(pl.Int32))
        .group_by("account")
        .agg(col(*sums).sum(), active=pl.len().cast(pl.Int64), longest_gap=gap.cast(pl.Int64))
        .select(
            "account", "active", "longest_gap",
            *(ratio(col(name), col(f"{name.split('_')[0]}_whole")).alias(name) for name in parts),
            pass_through_ratio=ratio(col("through"), col("whole")),
        )
    )


def last_days(day, windows):
    return (
        day.lazy().join(windows, on="account").filter(col("month") // 3 >= col("quarter_from")).group_by("account")
        .agg(
            last_in=col("day").filter("has_in").max(),
            last_out=col("day").filter("has_out").max(),
            observed_months=col("month").n_unique().cast(pl.Int64),
        )
    )


def entropy(class_flow, windows):
    share = col("fen") / col("fen").sum()
    nats = 0.0 - (share * share.log()).sum()
    mix = (
        class_flow.lazy().filter(~col("quarterly")).join(windows, on="account")
        .filter(col("period").is_between(col("year_from"), LAST_MONTH))
        .group_by("account", "inward", "class").agg(fen=part(col("fen").sum()))
        .filter(col("fen") > 0)
        .group_by("account", "inward")
        .agg(entropy=(1e6 * nats.abs() / math.log(7)).round(0, mode="half_to_even").cast(pl.Int64))
    )
    return by_way(mix, {"class_entropy": scaled(col("entropy"), 6)})


def quarters(period_flow, windows):
    last_four = col("period").is_between(col("q3"), col("q0"))
    figures = []
    for way in WAYS:
        fen = part(col(f"op_{way}")).filter(last_four)
        figures.append(ratio(fen.max(), fen.sum()).alias(f"{way}_peak_quarter_share"))
    for way in (*WAYS, "net"):
        fen = col("op_in") - col("op_out") if way == "net" else col(f"op_{way}")
        for name, before in (("qoq", "q1"), ("yoy", "q4")):
            now, then = (fen.filter(col("period") == col(quarter)).first().cast(WIDE) for quarter in ("q0", before))
            figures.append(ratio(now - then, when(then < 0).then(0 - then).otherwise(then)).alias(f"{way}_{name}"))
    return period_flow.lazy().filter("quarterly").join(windows, on="account").group_by("account").agg(figures)


def slopes(year_month):
    """Slopes times 27,720, which every distance up to 11 divides: they are integers."""
    series = (
        year_month.lazy().filter(col("year_months") >= 6)
        .unpivot(
            ["op_in", "op_out", "op_net"], index=["account", "place", "year_months"],
            variable_name="way", value_name="x",
        )
    )
    rise = col("x_right") - col("x")
    middle = col("slope").sort()
    pairs = (
        series.join(series.drop("year_months"), on=["account", "way"])
        .filter(col("place") < col("place_right"))
        .with_columns(slope=rise * (27_720 // (col("place_right") - col("place"))))
        .group_by("account", "way")
        .agg(
            middle=middle.get((pl.len() - 1) // 2) + middle.get(pl.len() // 2),
            s=sign(rise).sum(),
            untied=(rise != 0).sum().cast(pl.Int64),
            pairs=pl.len().cast(pl.Int64),
        )
    )
    sizes = series.group_by("account", "way").agg(
        col("year_months").first(),
        size=col("x").abs().cast(WIDE).sum(),
        recent=col("x").filter(col("place") >= col("year_months") - 3).sum(),
        prior=col("x").filter(col("place") < col("year_months") - 3).sum(),
    )
    n = col("year_months")
    figures = pairs.join(sizes, on=["account", "way"]).select(
        "account", "way",
        theil_sen_slope=ratio(col("middle").cast(WIDE) * n, 2 * 27_720 * col("size")),
        mann_kendall_tau=root_ratio(sign(col("s")), col("s") * col("s"), col("untied") * col("pairs")),
        recent_to_prior_ratio=ratio(col("recent").cast(WIDE) * (n - 3), col("prior").cast(WIDE) * 3),
    )
    names = ("theil_sen_slope", "mann_kendall_tau", "recent_to_prior_ratio")
    return figures.group_by("account").agg(
        col(name).filter(col("way") == f"op_{way}").first().alias(f"{way}_{name}")
        for way in (*WAYS, "net") for name in names
    )


def bands(txn, windows):
    lower = lit(0)
    for bound in BANDS:
        lower = when(col("fen").abs() >= bound).then(lit(bound)).otherwise(lower)
    flow = (
        txn.lazy().filter(col("operating"), col("month").is_between(LAST_MONTH - 13, LAST_MONTH))
        .group_by("account", lower.cast(pl.Int64).alias("lower"), "inward", "month")
        .agg(col("n").sum(), col("fen").sum())
    )
    spans = {"quarter": col("month") // 3 == col("q0"), "year": col("month") >= col("year_from")}
    ways = {"in": col("inward"), "out": ~col("inward")}
    sums = flow.join(windows, on="account").group_by("account", "lower").agg(
        col(what).filter(of, inward).sum().alias(f"{span}_{way}_{what}")
        for span, of in spans.items() for way, inward in ways.items() for what in ("n", "fen")
    )
    bound = pl.LazyFrame({"lower": BANDS, "upper": (*BANDS[1:], None)})
    has = {"quarter": col("q0").is_not_null(), "year": col("year_from").is_not_null()}
    items = [money(col("lower")).alias("lower_bound"), money(col("upper")).alias("upper_bound")]
    for span in spans:
        for way in ways:
            fen = col(f"{span}_{way}_fen")
            items += [
                when(has[span]).then(col(f"{span}_{way}_n")).alias(f"{span}_{way}_count"),
                when(has[span]).then(money(fen)).alias(f"{span}_{way}_amount"),
                when(has[span]).then(ratio(part(fen), part(fen).sum().over("account"))).alias(f"{span}_{way}_share"),
            ]
    amounts = "^(quarter|year)_.*_(n|fen)$"
    return (
        windows.select("account", "q0", "year_from").join(bound, how="cross")
        .join(sums, on=["account", "lower"], how="left")
        .with_columns(col(amounts).fill_null(0))
        .sort("account", "lower")
        .select("account", pl.struct(items).alias("amount_bands"))
        .group_by("account").agg("amount_bands")
    )


def report_segments(accounts):
    def both_ways(*names):
        return [f"{way}_{name}" for way in WAYS for name in names]

    opened = col("opened_on")
    age = AS_OF_MONTH - month_of(opened) - (opened.dt.day() > AS_OF.day).cast(pl.Int32)
    in_year = col("year_from").is_not_null()
    trend = ("qoq", "yoy", "theil_sen_slope", "mann_kendall_tau", "recent_to_prior_ratio")
    monthly = ("monthly_mean", "monthly_sd", "monthly_cv", "active_month_ratio", "longest_zero_run", "recurring_share")
    shares = ("first_ten_days_share", "middle_ten_days_share", "last_days_share", "weekday_share",
              "peak_quarter_share", "class_entropy")
    concentration = ("top1_share", "top3_share", "top5_share", "top10_share", "hhi", "effective_counterparties",
                     "counterparties")
    turnover = ("new_ratio", "lost_ratio", "turnover_rate", "jaccard", "retained_amount_share")
    counted = {f"{way}_counterparties": when(in_year).then(col(f"{way}_counterparties").fill_null(0)) for way in WAYS}
    return [
        pl.struct(
            counted.get(name, col(name)).alias(name) for name in both_ways(*concentration)
        ).alias("concentration"),
        pl.struct(*both_ways(*monthly), "balance_cv", "low_balance_day_share", "negative_net_month_share",
                  "lowest_month_mean_ratio").alias("stability"),
        pl.struct(both_ways(*shares)).alias("distribution"),
        pl.struct(both_ways(*turnover)).alias("counterparty_turnover"),
        pl.struct(f"{way}_{name}" for way in (*WAYS, "net") for name in trend).alias("trend"),
        "amount_bands",
        pl.struct(
            when(opened <= AS_OF).then(age).cast(pl.Int64).alias("account_age_months"),
            col("observed_months").fill_null(0),
            when(in_year).then(ratio(col("active").fill_null(0), col("year_days"))).alias("active_day_ratio"),
            days_between(lit(AS_OF), col("last_in")).alias("days_since_last_in"),
            days_between(lit(AS_OF), col("last_out")).alias("days_since_last_out"),
            when(in_year).then(pl.coalesce("longest_gap", "year_days")).alias("longest_gap_days"),
            "pass_through_ratio", "identified_amount_ratio",
        ).alias("activity"),
    ]


def main():
    feed = pl.scan_parquet(SETTING["transactions"])
    accounts = accounts_and_windows(feed)
    windows = accounts.lazy().select(
        "account", "month_from", "quarter_from", "year_from", "year_months", "year_first_day", "year_days",
        "q0", "q1", "q3", "q4",
    )
    txn = rows(feed, accounts)
    flow = (
        txn.lazy().filter(col("month") >= MONTH_FROM)
        .group_by("account", "month", "class", "inward", "key").agg(col("n").sum(), col("fen").sum())
        .collect()
    )
    period = periods(accounts)
    class_flow = class_flows(flow)
    period_flow = period_flows(period, class_flow)
    day = days(txn)
    run = runs(txn, period, accounts)
    period_balance = period_balances(run)
    lists = funds(period_flow, period_balance, day).join(classes(period, class_flow), on=["account", "quarterly"])
    lists = lists.collect().lazy()
    year_month = months_of_year(period_flow, period_balance, windows)
    stable = stability(year_month)

    detail = common(accounts, period_flow, lists, False).drop("account")
    report = common(accounts, period_flow, lists, True).join(
        accounts.lazy().drop("account_id"), on="account", maintain_order="left"
    )
    for table in (
        parties(flow, windows), stable.lazy(), low_days(run, windows, stable), days_of_year(day, windows),
        last_days(day, windows), entropy(class_flow, windows), quarters(period_flow, windows), slopes(year_month),
        bands(txn, windows),
    ):
        report = report.join(table, on="account", how="left", maintain_order="left")
    names = ["funds", *(name.lower() for name in CLASSES)]
    report = report.select("account_id", "cover", "notes", "basic", *names, *report_segments(accounts), "appendix")
    ARGUMENTS.out.mkdir(parents=True, exist_ok=True)
    for name, plan in (("detail-summary", detail), ("report", report)):
        plan.collect().write_parquet(ARGUMENTS.out / f"{name}.parquet", compression="snappy")


if __name__ == "__main__":
    main()
