// The part of Markdown that model cards use. It makes elements, never HTML from text.
import type { ComponentChildren } from "preact";

const INLINE = /(`[^`]+`|\*\*[^*]+\*\*|\*[^*]+\*|\[[^\]]+\]\([^)\s]+\))/;

function inline(text: string): ComponentChildren[] {
  return text.split(INLINE).map((part) => {
    if (part.startsWith("`") && part.endsWith("`") && part.length > 2) return <code>{part.slice(1, -1)}</code>;
    if (part.startsWith("**") && part.endsWith("**") && part.length > 4) return <b>{part.slice(2, -2)}</b>;
    if (part.startsWith("*") && part.endsWith("*") && part.length > 2) return <em>{part.slice(1, -1)}</em>;
    const link = /^\[([^\]]+)\]\(([^)\s]+)\)$/.exec(part);
    if (!link) return part;
    return /^https?:\/\//.test(link[2]!) ? (
      <a href={link[2]} rel="noreferrer noopener">
        {link[1]}
      </a>
    ) : (
      link[1]
    );
  });
}

const cells = (line: string): string[] =>
  line
    .trim()
    .replace(/^\||\|$/g, "")
    .split("|")
    .map((c) => c.trim());

function heading(line: string): ComponentChildren {
  const [, marks = "#", text = ""] = /^(#+)\s*(.*)$/.exec(line)!;
  return marks.length <= 2 ? <h3>{inline(text)}</h3> : <h4>{inline(text)}</h4>;
}

// Takes lines while they match.
function take(lines: string[], pattern: RegExp): string[] {
  const taken: string[] = [];
  while (lines.length > 0 && pattern.test(lines[0]!)) taken.push(lines.shift()!);
  return taken;
}

function block(lines: string[]): ComponentChildren {
  const line = lines[0]!;
  if (/^#+\s/.test(line)) return heading(lines.shift()!);
  if (/^```/.test(line)) {
    lines.shift();
    const code = take(lines, /^(?!```)/);
    lines.shift();
    return (
      <pre class="code" tabIndex={0}>
        {code.join("\n")}
      </pre>
    );
  }
  if (/^\s*\|/.test(line)) {
    const [head, ...rest] = take(lines, /^\s*\|/).map(cells);
    const rows = rest.filter((r) => !r.every((c) => /^:?-+:?$/.test(c)));
    return (
      <div class="scroll" tabIndex={0} role="region" aria-label="Table of the card">
        <table>
          <thead>
            <tr>
              {head!.map((c) => (
                <th scope="col">{inline(c)}</th>
              ))}
            </tr>
          </thead>
          <tbody>
            {rows.map((r) => (
              <tr>
                {r.map((c) => (
                  <td>{inline(c)}</td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    );
  }
  if (/^\s*[-*] /.test(line)) {
    const items: string[] = [];
    for (const l of take(lines, /^(\s*[-*] |\s+\S)/)) {
      if (/^\s*[-*] /.test(l)) items.push(l.replace(/^\s*[-*] /, ""));
      else items.push(`${items.pop() ?? ""} ${l.trim()}`);
    }
    return (
      <ul>
        {items.map((i) => (
          <li>{inline(i)}</li>
        ))}
      </ul>
    );
  }
  const first = lines.shift()!;
  return <p>{inline([first, ...take(lines, /^(?!\s*$|#+\s|```|\s*\||\s*[-*] )/)].join(" "))}</p>;
}

export function Markdown({ text }: { text: string }) {
  const lines = text.split(/\r?\n/);
  const blocks: ComponentChildren[] = [];
  while (lines.length > 0) {
    if (lines[0]!.trim() === "") lines.shift();
    else blocks.push(block(lines));
  }
  return <div class="markdown">{blocks}</div>;
}
