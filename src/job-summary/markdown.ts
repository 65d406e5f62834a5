/** A table of GitHub's Markdown; cells are plain text, or Markdown made by {@link code} or {@link link}. */
export function table(heads: readonly string[], rows: readonly (readonly Cell[])[]): string {
  const line = (cells: readonly Cell[]) => `| ${cells.map(cell).join(" | ")} |`;
  // Numbers read best flush right; a head that says so begins with a blank.
  const rule = heads.map((head) => (head.startsWith(" ") ? "--:" : "---"));
  return [line(heads.map((head) => head.trim())), `|${rule.join("|")}|`, ...rows.map(line), ""].join("\n");
}

type Cell = string | { markdown: string };

function cell(content: Cell): string {
  return typeof content === "string" ? plain(content) : content.markdown;
}

/** Text that shows as it is, in one line. */
export function plain(text: string): string {
  return text
    .replace(/[\\`*_[\]~|<>]/g, (character) => `&#${character.charCodeAt(0)};`)
    .replaceAll("://", "&#58;//") // an address in a message is not a link
    .replace(/\s*\n\s*/g, " ");
}

/** Text in the face of code, also in a table. */
export function code(text: string): { markdown: string } {
  return { markdown: `<code>${plain(text)}</code>` };
}

/** What a program printed, as it is. */
export function block(text: string): string {
  const longest = Math.max(2, ...[...text.matchAll(/`+/g)].map(([ticks]) => ticks.length));
  const fence = "`".repeat(longest + 1);
  return `${fence}text\n${text.replace(/\n+$/, "")}\n${fence}\n`;
}

/** Sections with a blank line between; empty ones are left out. */
export function page(parts: readonly string[]): string {
  return parts
    .map((part) => part.trimEnd())
    .filter((part) => part !== "")
    .join("\n\n");
}
