-- Who is told when something happens.

create table webhooks (
    id uuid primary key,
    url text not null,
    -- Key of the HMAC by which the receiver knows us.
    secret bytea not null,
    events text[] not null,
    active boolean not null default true,
    created_by uuid references users on delete set null,
    created_at timestamptz not null default clock_timestamp(),
    updated_at timestamptz not null default clock_timestamp()
);
create trigger webhooks_touch before update on webhooks for each row execute function touch_updated_at();

create table webhook_deliveries (
    id uuid primary key,
    webhook_id uuid not null references webhooks on delete cascade,
    session_id uuid references interview_sessions on delete set null,
    event text not null,
    payload jsonb not null,
    state text not null default 'pending' check (state in ('pending', 'delivered', 'failed')),
    attempts integer not null default 0 check (attempts >= 0),
    response_status integer,
    response_error text,
    next_attempt_at timestamptz,
    delivered_at timestamptz,
    created_at timestamptz not null default clock_timestamp(),
    updated_at timestamptz not null default clock_timestamp()
);
create index webhook_deliveries_webhook on webhook_deliveries (webhook_id, id);
create trigger webhook_deliveries_touch before update on webhook_deliveries for each row execute function touch_updated_at();
