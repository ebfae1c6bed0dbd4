/** Patterns that people type: globs for names, texts or regular expressions for data, durations. */

/**
 * A glob as a regular expression for a whole text: `*` is any text without a slash, `**` any text, `?` one character, `[a-z]` a set,
 * `{a,b}` one of them.
 * @throws RangeError where a bracket does not end.
 */
export function globPattern(glob: string, flags = ''): RegExp {
  let source = ''
  let braces = 0
  for (let i = 0; i < glob.length; i++) {
    const character = glob[i] as string
    if (character === '*') {
      const isDeep = glob[i + 1] === '*'
      source += isDeep ? '.*' : '[^/]*'
      if (isDeep) i++
    } else if (character === '?') source += '[^/]'
    else if (character === '[') {
      const end = glob.indexOf(']', i + 2)
      if (end === -1) throw new RangeError(`"${glob}": the [ at character ${i + 1} does not end`)
      const set = glob.slice(i + 1, end).replaceAll('\\', '\\\\')
      source += `[${set.startsWith('!') ? `^${set.slice(1)}` : set}]`
      i = end
    } else if (character === '{') {
      braces++
      source += '(?:'
    } else if (character === '}' && braces > 0) {
      braces--
      source += ')'
    } else if (character === ',' && braces > 0) source += '|'
    else source += escapeText(character)
  }
  if (braces > 0) throw new RangeError(`"${glob}": a { does not end`)
  return new RegExp(`^(?:${source})$`, `s${flags}`)
}

function escapeText(text: string): string {
  return text.replace(/[$()*+.?[\\\]^{|}]/g, '\\$&')
}

/** What a text must contain. @throws RangeError for a regular expression that is not valid. */
export function textPattern(
  text: string,
  { isFixed = false, isCaseless = false }: { readonly isFixed?: boolean; readonly isCaseless?: boolean } = {},
): RegExp {
  try {
    return new RegExp(isFixed ? escapeText(text) : text, isCaseless ? 'iu' : 'u')
  } catch (error) {
    throw new RangeError((error as Error).message)
  }
}

const unitsMs: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
}

/** `90s`, `15m`, `1h30m`, `7d`: milliseconds; undefined for another text. */
export function parseDuration(text: string): number | undefined {
  if (!/^(?:\d+(?:\.\d+)?(?:ms|[smhdw]))+$/.test(text)) return undefined
  let sum = 0
  for (const [, count = '', unit = ''] of text.matchAll(/(\d+(?:\.\d+)?)(ms|[smhdw])/g)) {
    sum += Number(count) * (unitsMs[unit] ?? 0)
  }
  return sum
}
