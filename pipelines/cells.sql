-- Question:  what is the cell of each account and month?
-- Input:     runs: a part's rows (`rows::runs_schema`), each once, inside the cut-offs, as bytes. A run is rows of one
--            account and month, and a month with many rows has several; ascending by (account, month).
-- Output:    account (number), month (months since 1970-01), cell (sealed: as bytes, see docs/cell-format.md, or as the
--            number under which the process that runs the plan holds it).
-- Order:     account, month.
-- Keeps:     every row of the input is in exactly one cell.
select
    account,
    month,
    cell(rows) as cell
from runs
group by account, month
order by account, month
