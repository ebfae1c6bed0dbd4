/** The routes of the gateway, as the framework knows them. */
import type { Context, Hono } from 'hono'
import type { Asker } from '../audit.ts'
import { TooLong, WrongRequest } from '../forms.ts'

export interface Environment {
  readonly Variables: { asker: Asker }
}

export type Routes = Hono<Environment>

/** Bytes of the body of a write: a value of one mebibyte as base64, with room. */
const bodyBytesMax = 4 << 20

/** The body of a write. @throws WrongRequest where it is no JSON object, TooLong. */
export async function bodyOf(c: Context<Environment>): Promise<Readonly<Record<string, unknown>>> {
  const decoder = new TextDecoder()
  let text = ''
  let bytes = 0
  for await (const piece of (c.req.raw.body ?? []) as AsyncIterable<Uint8Array>) {
    bytes += piece.length
    if (bytes > bodyBytesMax) throw new TooLong(`a request may have ${bodyBytesMax} bytes at most`)
    text += decoder.decode(piece, { stream: true })
  }
  let value: unknown
  try {
    value = JSON.parse(text + decoder.decode())
  } catch {
    throw new WrongRequest('the body of the request is no JSON')
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new WrongRequest('the body of the request must be a JSON object')
  }
  return value as Readonly<Record<string, unknown>>
}
