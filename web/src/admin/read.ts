// Looking into answers of the server: what is not as expected is empty, never undefined.

import { isRecord } from "../wire";

export type Fields = Record<string, unknown>;

export function text(value: unknown, name: string): string {
  const found = isRecord(value) ? value[name] : null;
  return typeof found === "string" ? found : "";
}

export function number(value: unknown, name: string): number | null {
  const found = isRecord(value) ? value[name] : null;
  return typeof found === "number" ? found : null;
}

export function flag(value: unknown, name: string): boolean {
  return isRecord(value) && value[name] === true;
}

export function record(value: unknown, name: string): Fields {
  const found = isRecord(value) ? value[name] : null;
  return isRecord(found) ? found : {};
}

export function records(value: unknown, name: string): Fields[] {
  const found = isRecord(value) ? value[name] : null;
  return Array.isArray(found) ? found.filter(isRecord) : [];
}

export function list(value: unknown, name: string): unknown[] {
  const found = isRecord(value) ? value[name] : null;
  return Array.isArray(found) ? found : [];
}

export function texts(value: unknown, name: string): string[] {
  return list(value, name).filter((one): one is string => typeof one === "string");
}
