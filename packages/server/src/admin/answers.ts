/** The two forms of an answer on the admin port. */
import type { HttpAnswer } from '@lightkeeper/runtime'
import { type Json, jsonText } from './json.ts'

/** The data of a page. An own `error` takes the place of none. */
export type PageData = { readonly [key: string]: Json }

/** A page's answer: its data first, then the command's name and `error`, null where there is none. */
export function json(status: number, command: string, data: PageData): HttpAnswer {
  const { error = null, ...rest } = data as { readonly [key: string]: Json }
  return {
    status,
    headers: {
      'content-type': 'application/json;charset=utf-8',
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
    },
    body: jsonText({ ...rest, command, error }),
  }
}

export function plain(status: number, body: string): HttpAnswer {
  return { status, headers: { 'content-type': 'text/plain;charset=utf-8', 'cache-control': 'no-store' }, body }
}
