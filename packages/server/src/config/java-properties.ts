/** Java's properties format, exactly as java.util.Properties reads it: comments, separators, escapes, continued lines. */
import { ConfigError } from './config-error.ts'

const blank = /[ \t\f]/

/** A key, its value, and the number of the line where it begins, from 1. */
export type Property = readonly [key: string, value: string, line: number]

/**
 * Keys and values in the order of the file, both without the blanks that Apache trims. A comment behind a value is part of the
 * value. A byte order mark in front is left out.
 * @throws ConfigError for `\u` without four hexadecimal digits.
 */
export function parseProperties(content: string): Property[] {
  const pairs: Property[] = []
  for (const [line, number] of logicalLines(content.startsWith('\uFEFF') ? content.slice(1) : content)) {
    let keyEnd = 0
    while (keyEnd < line.length && !/[=: \t\f]/.test(line[keyEnd] as string)) keyEnd += line[keyEnd] === '\\' ? 2 : 1
    keyEnd = Math.min(keyEnd, line.length)
    let valueStart = keyEnd
    for (let hasSeparator = false; valueStart < line.length; valueStart++) {
      const char = line[valueStart] as string
      if (blank.test(char)) continue
      if (hasSeparator || (char !== '=' && char !== ':')) break
      hasSeparator = true
    }
    const key = line.slice(0, keyEnd)
    pairs.push([trimmed(unescaped(key, key)), trimmed(unescaped(line.slice(valueStart), key)), number])
  }
  return pairs
}

/** As String.trim of Java: control characters go with the blanks, other white space stays. */
export function trimmed(text: string): string {
  let start = 0
  let end = text.length
  while (start < end && text.charCodeAt(start) <= 0x20) start++
  while (end > start && text.charCodeAt(end - 1) <= 0x20) end--
  return text.slice(start, end)
}

/** Lines without comments and blank ones, continued lines in one piece, without the blanks in front; with their numbers. */
function* logicalLines(content: string): Generator<[line: string, number: number]> {
  const lines = content.split(/\r\n|\n|\r/)
  for (let i = 0; i < lines.length; i++) {
    const number = i + 1
    let line = withoutFront(lines[i] as string)
    if (line === '' || line.startsWith('#') || line.startsWith('!')) continue
    // What follows on the next line is neither a comment nor left out for being blank, once something stands before it.
    while (isContinued(line)) {
      line = line.slice(0, -1)
      i++
      if (i >= lines.length) break
      const next = withoutFront(lines[i] as string)
      if (line === '' && /^[#!]/.test(next)) break
      line += next
    }
    if (line !== '') yield [line, number]
  }
}

function withoutFront(line: string): string {
  let start = 0
  while (start < line.length && blank.test(line[start] as string)) start++
  return line.slice(start)
}

/** An odd number of backslashes at the end. */
function isContinued(line: string): boolean {
  let start = line.length
  while (start > 0 && line[start - 1] === '\\') start--
  return (line.length - start) % 2 === 1
}

const escapes = new Map([
  ['n', '\n'],
  ['t', '\t'],
  ['r', '\r'],
  ['f', '\f'],
])

function unescaped(text: string, key: string): string {
  return text.replace(/\\(u([0-9a-fA-F]{0,4})|.|$)/gs, (_all, escaped: string, digits: string | undefined) => {
    if (digits === undefined) return escapes.get(escaped) ?? escaped
    if (digits.length === 4) return String.fromCharCode(Number.parseInt(digits, 16))
    throw ConfigError.refused(key, 'has \\u without four hexadecimal digits; a backslash is written \\\\')
  })
}
