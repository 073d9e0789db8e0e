// The line of a written interview: a WebSocket that comes back by itself. What was sent and not acknowledged is known to
// the server or not; its state tells, and nothing is sent twice.

import { accessToken } from "../account/session";
import { parse, type FromServer } from "./model";

/** Between two tries to come back. */
const AGAIN_AFTER_MS = 1_500;

interface Hooks {
  message(message: FromServer): void;
  connected(connected: boolean): void;
}

export class WrittenLine {
  private socket: WebSocket | null = null;
  private timer = 0;
  private closed = false;

  constructor(
    private readonly id: string,
    private readonly token: string | null,
    private readonly hooks: Hooks,
  ) {}

  async open(): Promise<void> {
    const token = this.token ?? (await accessToken());
    if (this.closed) return;
    const address = new URL(`/api/v1/interviews/${this.id}/text/socket`, window.location.href);
    address.protocol = address.protocol === "https:" ? "wss:" : "ws:";
    if (token !== null) address.searchParams.set("access_token", token);
    const socket = new WebSocket(address);
    this.socket = socket;
    socket.addEventListener("open", () => this.hooks.connected(true));
    socket.addEventListener("message", (event) => {
      const message = parse(event.data);
      if (message !== null) this.hooks.message(message);
    });
    socket.addEventListener("close", () => {
      if (this.closed || this.socket !== socket) return;
      this.socket = null;
      this.hooks.connected(false);
      this.timer = window.setTimeout(() => void this.open(), AGAIN_AFTER_MS);
    });
  }

  /** True if it went out; the answer to it tells whether it was taken. */
  send(message: { type: string } & Record<string, unknown>): boolean {
    if (this.socket?.readyState !== WebSocket.OPEN) return false;
    this.socket.send(JSON.stringify(message));
    return true;
  }

  close(): void {
    this.closed = true;
    window.clearTimeout(this.timer);
    this.socket?.close();
  }
}
