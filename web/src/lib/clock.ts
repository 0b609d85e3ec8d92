// The server's time. It may differ from this computer's, and runs faster while a recording is replayed.
let offset = 0;

export function noteServerTime(now_ms: number): void {
  offset = now_ms - Date.now();
}

export const serverNow = (): number => Date.now() + offset;
