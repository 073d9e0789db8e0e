// Who is logged in, in this browser. The refresh token is good once, so that one tab at a time may use it; the others read
// what that one stored. The access token is never stored.

import { Problem, request } from "../api";
import { isRecord } from "../wire";

const KEY = "vivavoce.account";
/** Renewed this long before it ends, so that no request leaves with one that ends on its way. */
const RENEW_EARLY_MS = 30_000;

export interface Account {
  id: string;
  username: string;
  email: string;
  fullName: string;
  role: "candidate" | "interviewer" | "admin";
}

interface Access {
  token: string;
  endsAt: number;
}

interface Stored {
  refresh: string;
  account: Account;
}

let access: Access | null = null;

/** The account that is logged in here, as it was told last. */
export function account(): Account | null {
  return stored()?.account ?? null;
}

export async function register(fields: { username: string; email: string; full_name: string; password: string }): Promise<void> {
  take(await request("/auth/register", { method: "POST", json: fields, anonymous: true }));
}

export async function login(name: string, password: string): Promise<void> {
  take(await request("/auth/login", { method: "POST", json: { login: name, password }, anonymous: true }));
}

export async function logout(): Promise<void> {
  const known = stored();
  forget();
  if (known === null) return;
  const options = { method: "POST", json: { refresh_token: known.refresh }, anonymous: true };
  await request("/auth/logout", options).catch(() => undefined);
}

export async function changePassword(current: string, next: string): Promise<void> {
  take(await request("/auth/password", { method: "POST", json: { current_password: current, new_password: next } }));
}

/** Keeps what the server says of the account now. */
export function told(user: unknown): void {
  const known = stored();
  const account = toAccount(user);
  if (known !== null && account !== null) store({ ...known, account });
}

export function forget(): void {
  access = null;
  try {
    window.localStorage.removeItem(KEY);
  } catch {
    // Nothing was kept.
  }
}

/** A token for the next request; null if nobody is logged in. */
export async function accessToken(): Promise<string | null> {
  if (stored() === null) {
    access = null;
    return null;
  }
  return current() ?? alone(renew);
}

/** The token at hand, for an address that is opened at once. */
export function current(): string | null {
  return access !== null && access.endsAt - RENEW_EARLY_MS > Date.now() ? access.token : null;
}

async function renew(): Promise<string | null> {
  // Read within the lock: another tab may just have put a new one there.
  const known = stored();
  if (known === null) return null;
  try {
    take(await request("/auth/refresh", { method: "POST", json: { refresh_token: known.refresh }, anonymous: true }));
  } catch (error) {
    if (error instanceof Problem && error.status === 401) forget();
    else throw error;
  }
  // Just given, so good now, whatever this machine's clock says of its end.
  return access?.token ?? null;
}

function alone<T>(work: () => Promise<T>): Promise<T> {
  return "locks" in navigator ? navigator.locks.request(KEY, work) : work();
}

function take(body: unknown): void {
  const user = isRecord(body) ? toAccount(body["user"]) : null;
  if (!isRecord(body) || user === null) throw new Problem(500, "");
  const { access_token: token, expires_at: ends, refresh_token: refresh } = body;
  if (typeof token !== "string" || typeof ends !== "string" || typeof refresh !== "string") throw new Problem(500, "");
  access = { token, endsAt: Date.parse(ends) };
  store({ refresh, account: user });
}

function store(value: Stored): void {
  try {
    window.localStorage.setItem(KEY, JSON.stringify(value));
  } catch {
    // A browser that keeps nothing forgets the login with the page.
  }
}

function stored(): Stored | null {
  try {
    const value: unknown = JSON.parse(window.localStorage.getItem(KEY) ?? "null");
    const account = isRecord(value) ? toAccount({ ...(isRecord(value["account"]) ? value["account"] : {}) }) : null;
    if (!isRecord(value) || account === null || typeof value["refresh"] !== "string") return null;
    return { refresh: value["refresh"], account };
  } catch {
    return null;
  }
}

function toAccount(value: unknown): Account | null {
  if (!isRecord(value) || typeof value["id"] !== "string" || typeof value["username"] !== "string") return null;
  const text = (...names: string[]): string => {
    const found = names.map((name) => value[name]).find((field) => typeof field === "string");
    return typeof found === "string" ? found : "";
  };
  const role = value["role"];
  return {
    id: value["id"],
    username: value["username"],
    email: text("email"),
    fullName: text("full_name", "fullName"),
    role: role === "interviewer" || role === "admin" ? role : "candidate",
  };
}
