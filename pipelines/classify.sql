-- Question:  which class has each transaction of the feed, and what decided it?
-- Input:     transactions: the checked feed (`feed::schema::checked_schema`), amounts in fen, signed as in the feed.
-- Output:    file and row (place in the feed), account (number), txn_id, counterparty_name, direction (0 in, 1 out),
--            reverses, amount_fen (signed as in the feed), verdict (struct: class, subclass, rule and evidence as
--            numbers; counterparty).
-- Order:     that of the feed within a slice; none between slices.
-- Keeps:     one row out for each row in, repeats included.
select
    file,
    row,
    account,
    txn_id,
    counterparty_name,
    direction,
    reversal_of is not null as reverses,
    amount_fen,
    classify(
        account, kind, counterparty_uscc, counterparty_bank, counterparty_account, counterparty_name
    ) as verdict
from transactions
