/** Colours, where a terminal shows them and the user wants them. */

export interface Paint {
  readonly path: (text: string) => string
  readonly error: (text: string) => string
  readonly faint: (text: string) => string
}

const plain = (text: string): string => text
const coded =
  (code: number) =>
  (text: string): string =>
    `\u001b[${code}m${text}\u001b[0m`

/** @param isTerminal whether the stream that is written to is a terminal. */
export function paint(isTerminal: boolean, env: NodeJS.ProcessEnv = process.env): Paint {
  // Any value but an empty one means no colours (no-color.org).
  const isColourful = isTerminal && !env['NO_COLOR'] && env['TERM'] !== 'dumb'
  if (!isColourful) return { path: plain, error: plain, faint: plain }
  return { path: coded(36), error: coded(31), faint: coded(2) }
}
