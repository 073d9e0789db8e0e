// Keeps the screen on while the interview lasts.

/** A telephone must not fall asleep in mid-answer. */
export function keepAwake(signal: AbortSignal): void {
  let lock: WakeLockSentinel | null = null;
  const request = (): void => {
    if (document.visibilityState !== "visible" || signal.aborted) return;
    navigator.wakeLock?.request("screen").then(
      (granted) => {
        lock = granted;
        if (signal.aborted) void granted.release();
      },
      () => undefined,
    );
  };
  document.addEventListener("visibilitychange", request, { signal });
  signal.addEventListener("abort", () => void lock?.release());
  request();
}
