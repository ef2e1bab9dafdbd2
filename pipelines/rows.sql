-- Question:  what is each transaction of the feed, reduced to integers and keyed hashes?
-- Input:     transactions: the checked feed (`feed::schema::checked_schema`), amounts in fen, signed as in the feed.
-- Output:    account (number), booked_at, seq, txn_id, direction (0 in, 1 out), reverses (the row names a row that it
--            takes back), amount_fen (signed as in the feed), balance_fen, verdict (struct: class, subclass, rule and
--            evidence as numbers; counterparty, a 128-bit keyed hash, null = unidentified), fingerprint (struct of keyed
--            hashes: id, 128 bits, and content, 64 bits), file and row (place in the feed).
-- Order:     that of the feed within a slice; none between slices.
-- Keeps:     one row out for each row in. The class depends on the row, its account and the rules alone. Structs stay
--            whole, so that each function is evaluated once a batch.
select
    account,
    booked_at,
    seq,
    txn_id,
    direction,
    reversal_of is not null as reverses,
    amount_fen,
    balance_fen,
    classify(
        account, kind, counterparty_uscc, counterparty_bank, counterparty_account, counterparty_name
    ) as verdict,
    -- Every column of the feed but the currency, which is the account's: the same content is the same transaction.
    fingerprint(
        txn_id,
        named_struct(
            'booked_at', booked_at,
            'seq', seq,
            'direction', direction,
            'amount_fen', amount_fen,
            'balance_fen', balance_fen,
            'kind', kind,
            'channel', channel,
            'counterparty_name', counterparty_name,
            'counterparty_account', counterparty_account,
            'counterparty_bank', counterparty_bank,
            'counterparty_uscc', counterparty_uscc,
            'summary', summary,
            'remark', remark,
            'reversal_of', reversal_of
        )
    ) as fingerprint,
    file,
    row
from transactions
