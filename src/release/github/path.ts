/** A tag in the path of an address: it may hold slashes, which stay. */
export function inPath(tag: string): string {
  return tag.split("/").map(encodeURIComponent).join("/");
}
