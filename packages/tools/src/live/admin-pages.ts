/** The admin pages of a server, ours or Apache's, as values. HTTP is the caller's. */

/** Asks for `target`, a path with its query. Rejects where the server cannot be reached. */
export type HttpGet = (target: string, headers: Readonly<Record<string, string>>) => Promise<HttpReply>

export interface HttpReply {
  /** The status of HTTP. */
  readonly status: number
  /** The body, unchanged. */
  readonly body: Uint8Array
}

export interface AdminPagesOptions {
  /** What messages call the server. Default `the server`. */
  readonly name?: string | undefined
  /** The path of the pages. Default `/commands`. */
  readonly commandUrl?: string | undefined
  /** `<scheme> <credential>`, for pages that need a permission: `digest super:secret`. */
  readonly authorization?: string | undefined
}

/** JSON with numbers of 64 bits: a whole number beyond 2^53 is a bigint. */
export type PageValue = null | boolean | number | bigint | string | readonly PageValue[] | PageObject
export type PageObject = { readonly [key: string]: PageValue }

/** The server answered, and not with what was asked for. */
export class AdminPageError extends Error {
  override readonly name = 'AdminPageError'
  /** The status of HTTP; 200 where the page itself says what is wrong. */
  readonly status: number

  constructor(message: string, status: number) {
    super(message)
    this.status = status
  }
}

export class AdminPages {
  /** What messages call the server. */
  readonly name: string
  readonly #get: HttpGet
  readonly #commandUrl: string
  readonly #authorization: string | undefined

  constructor(get: HttpGet, { name = 'the server', commandUrl = '/commands', authorization }: AdminPagesOptions = {}) {
    this.name = name
    this.#get = get
    this.#commandUrl = commandUrl
    this.#authorization = authorization
  }

  /**
   * The content of a page. `isSecret` sends the authorization along; other pages do not need it, and do not get it.
   * @throws AdminPageError with the server's own words.
   */
  async page(command: string, { isSecret = false }: { readonly isSecret?: boolean } = {}): Promise<PageObject> {
    const { status, body } = await this.#ask(command, '', isSecret)
    const value = parsePage(new TextDecoder().decode(body))
    if (value === undefined) {
      throw new AdminPageError(`${this.name} has no admin pages at ${this.#commandUrl}: no JSON came`, status)
    }
    const { error } = value
    if (typeof error === 'string') throw new AdminPageError(`${this.name} refused ${command}: ${error}`, status)
    if (status !== 200) throw new AdminPageError(`${this.name} answered ${command} with status ${status}`, status)
    return value
  }

  /** The bytes that `command` answers with, with the authorization. @throws AdminPageError with the server's own words. */
  async bytes(command: string, query: Readonly<Record<string, string>>): Promise<Uint8Array> {
    const { status, body } = await this.#ask(command, `?${new URLSearchParams(query).toString()}`, true)
    if (status === 200) return body
    const error = parsePage(new TextDecoder().decode(body))?.['error']
    const why = typeof error === 'string' ? error : `status ${status}`
    throw new AdminPageError(`${this.name} refused ${command}: ${why}`, status)
  }

  #ask(command: string, query: string, isSecret: boolean): Promise<HttpReply> {
    const authorization = isSecret ? this.#authorization : undefined
    const headers: Record<string, string> = authorization === undefined ? {} : { authorization }
    return this.#get(`${this.#commandUrl}/${command}${query}`, headers)
  }
}

/** Undefined for a text that is no object of JSON. */
export function parsePage(text: string): PageObject | undefined {
  // Ids of sessions have 64 bits, more than a number of JavaScript. Paths of znodes cannot hold the mark, which is no character.
  const marked = text.replace(/"(?:[^"\\]|\\.)*"|(?<![\d.])-?\d{16,}(?![\d.eE])/g, (part) =>
    part.startsWith('"') ? part : `"${mark}${part}"`,
  )
  try {
    const value: unknown = JSON.parse(marked, (_key, each: unknown) =>
      typeof each === 'string' && each.startsWith(mark) ? BigInt(each.slice(mark.length)) : each,
    )
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as PageObject) : undefined
  } catch {
    return undefined
  }
}

const mark = '\u{10ffff}'
