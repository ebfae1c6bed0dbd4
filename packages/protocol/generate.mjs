// @ts-check
/** spec → src/*.gen.ts: straight-line code for every record. `--check` writes nothing and fails if a file would change. */
import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { errors } from './spec/errors.mjs'
import { operations } from './spec/operations.mjs'
import { records } from './spec/records.mjs'

const check = process.argv.includes('--check')
const banner = '// Generated from spec/ by generate.mjs; change the tables there and run `npm run generate`.\n\n'
const byName = new Map(records.map((record) => [record.name, record]))

/** @param {string} type */
function parse(type) {
  const optional = type.endsWith('?')
  const filled = type.endsWith('!')
  const bare = type.replace(/[?!]$/, '')
  const vector = bare.startsWith('[]')
  return { optional, filled, vector, of: vector ? bare.slice(2) : bare }
}

/** @type {Record<string, string>} */
const scalars = {
  boolean: 'boolean',
  int: 'number',
  long: 'bigint',
  ustring: 'string | null',
  buffer: 'Uint8Array | null',
}

/** @param {string} type */
function tsType(type) {
  const { filled, vector, of } = parse(type)
  if (vector) {
    const element = of === 'ustring' ? 'string' : (scalars[of] ?? of)
    return `readonly ${element}[]${filled ? '' : ' | null'}`
  }
  if (of === 'ustring' && filled) return 'string'
  return scalars[of] ?? of
}

/** Fewest bytes a value can take: bounds the elements a vector of a given count may claim. @param {string} type @returns {number} */
function leastBytes(type) {
  const { optional, vector, of } = parse(type)
  if (optional) return 0
  if (vector) return 4
  const record = byName.get(of)
  if (record) return record.fields.reduce((sum, [, fieldType]) => sum + leastBytes(fieldType), 0)
  return { boolean: 1, int: 4, long: 8, ustring: 4, buffer: 4 }[of] ?? 0
}

/** @param {string} type */
function readExpression(type) {
  const { filled, vector, of } = parse(type)
  if (vector) {
    const element = of === 'ustring' ? 'readElementString' : `read${of}`
    return filled
      ? `reader.vector(${leastBytes(of)}, ${element}) ?? []`
      : `reader.vector(${leastBytes(of)}, ${element})`
  }
  if (byName.has(of)) return `read${of}(reader)`
  if (of === 'ustring') return filled ? `reader.ustring() ?? ''` : 'reader.ustring()'
  return `reader.${of}()`
}

/** @param {string} type @param {string} value */
function writeStatement(type, value) {
  const { vector, of } = parse(type)
  if (vector) return `writer.vector(${value}, ${of === 'ustring' ? 'writeElementString' : `write${of}`})`
  if (byName.has(of)) return `write${of}(writer, ${value})`
  return `writer.${of}(${value})`
}

function recordsFile() {
  let out = `${banner}import type { Reader } from './reader.ts'\nimport type { Writer } from './writer.ts'\n\n`
  out += `function readElementString(reader: Reader): string {\n  return reader.ustring() ?? ''\n}\n\n`
  out += `function writeElementString(writer: Writer, value: string): void {\n  writer.ustring(value)\n}\n`
  for (const { name, about, fields } of records) {
    out += `\n/** ${about} */\nexport interface ${name} {\n`
    for (const [field, type, note] of fields) {
      if (note) out += `  /** ${note[0]?.toUpperCase()}${note.slice(1)}. */\n`
      out += `  readonly ${field}${parse(type).optional ? '?: boolean | undefined' : `: ${tsType(type)}`}\n`
    }
    out += '}\n'
    out += `\nexport function read${name}(reader: Reader): ${name} {\n`
    for (const [field, type] of fields) {
      out += parse(type).optional
        ? `  const ${field} = reader.remaining > 0 ? reader.boolean() : undefined\n`
        : `  const ${field} = ${readExpression(type)}\n`
    }
    out += `  return { ${fields.map(([field]) => field).join(', ')} }\n}\n`
    out += `\nexport function write${name}(writer: Writer, value: ${name}): void {\n`
    for (const [field, type] of fields) {
      out += parse(type).optional
        ? `  if (value.${field} !== undefined) writer.boolean(value.${field})\n`
        : `  ${writeStatement(type, `value.${field}`)}\n`
    }
    out += '}\n'
  }
  return out
}

function codecsFile() {
  let out = `${banner}import * as records from './records.gen.ts'\n\n`
  out += `/** Every record by name: for tools that meet records they do not know beforehand (traces, property tests, inspection). */\n`
  out += 'export const recordCodecs = {\n'
  for (const { name } of records) out += `  ${name}: { read: records.read${name}, write: records.write${name} },\n`
  return `${out}} as const\n\nexport type RecordName = keyof typeof recordCodecs\n`
}

function operationsFile() {
  let out = `${banner}/** Opcode numbers by the name of the operation. */\nexport const opCode = {\n`
  for (const { name, code } of operations) out += `  ${name}: ${code},\n`
  out += `} as const\n\nexport type OperationName = keyof typeof opCode\nexport type OpCode = (typeof opCode)[OperationName]\n\n`
  out += `/** What an operation is to a server; \`part\` is valid inside a multi only, \`internal\` never from a client. */\n`
  out += `export type OperationKind = 'write' | 'read' | 'ordered' | 'watch' | 'control' | 'internal' | 'part'\n\n`
  out += `export interface Operation {\n  readonly name: OperationName\n  readonly code: OpCode\n  /** Name of the request record, null where the operation has no body. */\n  readonly request: string | null\n`
  out += `  readonly response: string | null\n  readonly kind: OperationKind\n  /** First ZooKeeper release that has it. */\n  readonly since: string\n}\n\n`
  out += 'export const operations: readonly Operation[] = [\n'
  for (const op of operations) {
    const literal = (/** @type {string | null} */ v) => (v === null ? 'null' : `'${v}'`)
    out += `  { name: '${op.name}', code: ${op.code}, request: ${literal(op.request)}, response: ${literal(op.response)}, kind: '${op.kind}', since: '${op.since}' },\n`
  }
  return `${out}]\n`
}

function errorsFile() {
  let out = `${banner}export interface KeeperCodeRow {\n  /** The number on the wire. */\n  readonly number: number\n  readonly text: string\n`
  out += `  /** The same call may succeed later without anyone changing it. */\n  readonly retry: boolean\n}\n\n`
  out += '/** Every error of the protocol by its code. */\nexport const keeperCodes = {\n'
  for (const { code, number, text, retry } of errors) {
    out += `  ${code}: { number: ${number}, text: ${JSON.stringify(text).replaceAll("'", "\\'").replace(/^"|"$/g, "'")}, retry: ${retry} },\n`
  }
  out += '} as const satisfies Record<string, KeeperCodeRow>\n\nexport type KeeperCode = keyof typeof keeperCodes\n'
  return out
}

let stale = 0
for (const [file, text] of [
  ['records', recordsFile()],
  ['codecs', codecsFile()],
  ['operations', operationsFile()],
  ['errors', errorsFile()],
]) {
  const path = fileURLToPath(new URL(`src/${file}.gen.ts`, import.meta.url))
  let before = ''
  try {
    before = readFileSync(path, 'utf8')
  } catch {}
  if (before === text) continue
  stale++
  if (check) console.error(`${path} is not what spec/ generates; run npm run generate`)
  else writeFileSync(path, text)
}
if (check && stale > 0) process.exitCode = 1
