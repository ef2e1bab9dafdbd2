-- Question:  what is the cell of each account and month?
-- Input:     runs: a partition's rows (`staging::runs_schema`), each once, inside the cut-offs, as bytes. A run is rows of
--            one account and month, and a month with many rows has several; ascending by (account, month).
-- Output:    account (number), month (months since 1970-01), cell (open, that is mergeable: a struct of `figures` and
--            `rows`, both bytes; see docs/cell-format.md).
-- Order:     account, month.
-- Keeps:     every row of the input is in exactly one cell.
select
    account,
    month,
    cell(rows) as cell
from runs
group by account, month
order by account, month
