-- Question:  what is the cell of each account and month?
-- Input:     rows: a part's rows (`rows::admitted_schema`), each once, inside the cut-offs, ascending by (account, month).
-- Output:    account (number), month (months since 1970-01), cell (bytes, see docs/cell-format.md).
-- Order:     account, month.
-- Keeps:     every row of the input is in exactly one cell.
select
    account,
    month,
    cell(
        booked_at, seq, txn_id, direction, reversal, amount_fen, balance_fen, class, counterparty, id_hash, content_hash
    ) as cell
from rows
group by account, month
order by account, month
