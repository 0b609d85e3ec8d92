// Asks for the bearer token that the server wants.
import { useState } from "preact/hooks";
import { needsToken } from "../api/client";
import { chooseToken } from "../lib/settings";
import { Panel } from "../ui/base";

export function TokenForm({ unknown }: { unknown: boolean }) {
  const [text, setText] = useState("");
  const [keep, setKeep] = useState(false);
  const submit = (e: Event) => {
    e.preventDefault();
    if (text.trim() === "") return;
    chooseToken(text.trim(), keep);
    needsToken.set("no");
  };
  return (
    <div class="gate">
      <Panel title="Token">
        <p>
          This server answers requests that carry a token. <code>netflowgen serve --help</code> tells how one is made.
        </p>
        {unknown && (
          <p class="failed" role="alert">
            The server does not know this token. Check it, or ask for a new one.
          </p>
        )}
        <form onSubmit={submit}>
          <label for="token">Bearer token</label>
          <input
            id="token"
            type="password"
            autocomplete="off"
            spellcheck={false}
            maxLength={256}
            value={text}
            onInput={(e) => setText(e.currentTarget.value)}
          />
          <label class="check">
            <input type="checkbox" checked={keep} onChange={(e) => setKeep(e.currentTarget.checked)} /> Keep it in this
            browser
          </label>
          <div class="row">
            <button type="submit" disabled={text.trim() === ""}>
              Continue
            </button>
          </div>
        </form>
      </Panel>
    </div>
  );
}
