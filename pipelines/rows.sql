-- Question:  what is each transaction of the feed, reduced to integers and keyed hashes?
-- Input:     transactions: the checked feed (`feed::schema::checked_schema`), amounts in fen, signed as in the feed.
-- Output:    account (number), booked_at, seq, txn_id, direction (0 in, 1 out), reverses (the row names a row that it
--            takes back), amount_fen (signed as in the feed), balance_fen, class (number), counterparty (128-bit keyed
--            hash; null = unidentified), id_hash (128 bits) and content_hash (64 bits), both keyed, file and row (place
--            in the feed), rule and evidence (numbers of the deciding rule and evidence).
-- Order:     that of the feed within a slice; none between slices.
-- Keeps:     one row out for each row in. The class depends on the row, its account and the rules alone.
select
    account,
    booked_at,
    seq,
    txn_id,
    direction,
    reversal_of is not null as reverses,
    amount_fen,
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
        ) as fingerprint
    from transactions
)
