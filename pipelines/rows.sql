-- Question:  what is each transaction of the feed, reduced to integers and keyed hashes?
-- Input:     transactions: the checked feed (`feed::schema::checked_schema`), amounts in fen, signed as in the feed.
-- Output:    account (number), booked_at, seq, txn_id, direction (0 in, 1 out), reversal, amount_fen (absolute),
--            balance_fen, class (number), counterparty (128-bit keyed hash; null = unidentified), id_hash and
--            content_hash (64-bit keyed hashes), file and row (place in the feed), rule and evidence (numbers: what
--            decided the class).
-- Order:     that of the feed within a slice; none between slices.
-- Keeps:     one row out for each row in. The class depends on the row, its account and the rules alone.
select
    account,
    booked_at,
    seq,
    txn_id,
    direction,
    amount_fen < 0 or reversal_of is not null as reversal,
    case when amount_fen < 0 then -amount_fen else amount_fen end as amount_fen,
    balance_fen,
    get_field(verdict, 'class') as class,
    get_field(verdict, 'counterparty') as counterparty,
    get_field(fingerprint, 'id') as id_hash,
    get_field(fingerprint, 'content') as content_hash,
    file,
    row,
    get_field(verdict, 'rule') as rule,
    get_field(verdict, 'evidence') as evidence
from (
    select
        account,
        txn_id,
        booked_at,
        seq,
        direction,
        amount_fen,
        balance_fen,
        reversal_of,
        file,
        row,
        classify(
            account, kind, counterparty_uscc, counterparty_bank, counterparty_account, counterparty_name
        ) as verdict,
        -- Every column of the feed but the currency, which is the account's: the same content is the same transaction.
        fingerprint(
            txn_id, booked_at, seq, direction, amount_fen, balance_fen, kind, channel, counterparty_name,
            counterparty_account, counterparty_bank, counterparty_uscc, summary, remark, reversal_of
        ) as fingerprint
    from transactions
)
