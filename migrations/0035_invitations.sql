-- An invitation opens one interview within a window, and can be taken back.

alter table invitations
    add column valid_from timestamptz,
    add column revoked_at timestamptz;
create index invitations_email on invitations (lower(email));

-- The texts that people agreed to: a consent names one by its hash.
create table disclosures (
    -- SHA-256 of the text, hexadecimal.
    text_hash text primary key check (text_hash ~ '^[0-9a-f]{64}$'),
    version text not null,
    content text not null,
    created_at timestamptz not null default clock_timestamp()
);
