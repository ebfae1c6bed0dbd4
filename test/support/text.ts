/** The text of a znode's data; empty where there is none. */
export function text(data: Uint8Array | undefined): string {
  return new TextDecoder().decode(data)
}
