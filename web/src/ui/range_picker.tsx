// Chooses the time that all views show. It is part of the address.
import { useState } from "preact/hooks";
import { serverNow } from "../lib/clock";
import { fromInput, moment, toInput, zoneName } from "../lib/format";
import { bounds, presetOf, PRESETS, showBetween, showLast, type Range } from "../lib/range";

export function RangePicker({ range }: { range: Range }) {
  const [open, setOpen] = useState(false);
  const preset = presetOf(range);
  return (
    <div class="range">
      <div class="segmented" role="group" aria-label="Time shown">
        {PRESETS.map(([name, , title]) => (
          <button
            key={name}
            type="button"
            aria-pressed={name === preset}
            title={`The last ${title}`}
            onClick={() => showLast(name)}
          >
            {name}
          </button>
        ))}
        <button type="button" aria-pressed={preset === null} aria-expanded={open} onClick={() => setOpen(!open)}>
          {"from" in range ? `${moment(range.from)} to ${moment(range.to)}` : "Custom"}
        </button>
      </div>
      {open && <Custom range={range} close={() => setOpen(false)} />}
    </div>
  );
}

function Custom({ range, close }: { range: Range; close: () => void }) {
  const now = bounds(range);
  const [from, setFrom] = useState(toInput(now.from));
  const [to, setTo] = useState(toInput(now.to ?? serverNow()));
  const fine = fromInput(to) > fromInput(from);
  const submit = (e: Event) => {
    e.preventDefault();
    if (!fine) return;
    showBetween(fromInput(from), fromInput(to));
    close();
  };
  return (
    <form class="popover" onSubmit={submit} onKeyDown={(e) => e.key === "Escape" && close()}>
      <label>
        From <input type="datetime-local" value={from} onInput={(e) => setFrom(e.currentTarget.value)} required />
      </label>
      <label>
        To <input type="datetime-local" value={to} onInput={(e) => setTo(e.currentTarget.value)} required />
      </label>
      <p class="dim">
        Times are {zoneName(serverNow())}. {fine ? "" : "The end must be after the begin."}
      </p>
      <div class="row">
        <button type="submit" disabled={!fine}>
          Show
        </button>
        <button type="button" onClick={close}>
          Cancel
        </button>
      </div>
    </form>
  );
}
