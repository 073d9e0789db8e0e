-- Accounts, what opens them, and what is known of a person's profession.
-- Ids are UUIDv7 made by the program, everywhere: they sort by creation and need no function of a new Postgres.

-- Every mutable table keeps `updated_at` by this trigger, so that no statement can forget it.
create function touch_updated_at() returns trigger language plpgsql as $$
begin
    new.updated_at := clock_timestamp();
    return new;
end
$$;

create table users (
    id uuid primary key,
    username text not null check (char_length(username) between 1 and 64),
    email text not null check (char_length(email) between 3 and 320),
    password_hash text not null,
    full_name text not null default '' check (char_length(full_name) <= 200),
    avatar_url text,
    role text not null check (role in ('candidate', 'interviewer', 'admin')),
    disabled_at timestamptz,
    created_at timestamptz not null default clock_timestamp(),
    updated_at timestamptz not null default clock_timestamp()
);
create unique index users_username_key on users (lower(username));
create unique index users_email_key on users (lower(email));
create trigger users_touch before update on users for each row execute function touch_updated_at();

-- Refresh tokens rotate on use; the use of an old one revokes its whole family.
create table refresh_tokens (
    id uuid primary key,
    user_id uuid not null references users on delete cascade,
    family uuid not null,
    -- SHA-256 of the token; the token itself is never stored.
    token_hash bytea not null unique check (octet_length(token_hash) = 32),
    expires_at timestamptz not null,
    used_at timestamptz,
    revoked_at timestamptz,
    created_at timestamptz not null default clock_timestamp(),
    updated_at timestamptz not null default clock_timestamp()
);
create index refresh_tokens_family on refresh_tokens (family);
create index refresh_tokens_user on refresh_tokens (user_id);
create trigger refresh_tokens_touch before update on refresh_tokens for each row execute function touch_updated_at();

create table interview_profiles (
    id uuid primary key,
    user_id uuid not null unique references users on delete cascade,
    job_position text not null default '',
    experience_level text check (experience_level in ('junior', 'middle', 'senior')),
    tech_stack text[] not null default '{}',
    -- Fields as JSON Resume names them.
    resume jsonb not null default '{}',
    -- Where each field was read: field path -> page, line, quote, or 'person' when corrected by hand.
    provenance jsonb not null default '{}',
    source_file text,
    source_hash text,
    created_at timestamptz not null default clock_timestamp(),
    updated_at timestamptz not null default clock_timestamp()
);
create trigger interview_profiles_touch before update on interview_profiles for each row execute function touch_updated_at();
