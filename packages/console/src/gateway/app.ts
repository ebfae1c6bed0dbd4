/** The gateway: every request passes the gate; then the API, or the files of the web application. */
import { formatHex } from '@lightkeeper/protocol'
import { Hono } from 'hono'
import { changeRoutes } from './change-routes.ts'
import { type GateOptions, refusalOf, securityHeaders } from './gate.ts'
import type { House } from './house.ts'
import { pastRoutes, pastWrites } from './past-routes.ts'
import { problemOf } from './problem.ts'
import type { Environment, Routes } from './routes.ts'
import { serverRoutes, sessionWrites } from './server-routes.ts'
import { structureRoutes } from './structure-routes.ts'
import { treeRoutes } from './tree-routes.ts'
import { writeRoutes } from './write-routes.ts'

/** One file of the web application. */
export interface WebFile {
  /** The content. */
  readonly body: string | Uint8Array<ArrayBuffer>
  /** The headers of the answer. */
  readonly headers: Readonly<Record<string, string>>
}

/** Where the files of the web application come from. */
export interface WebFiles {
  /** The page itself; `nonce` marks its style sheets as ours. */
  page(nonce: string): WebFile
  /** A file by the path of its address; undefined where there is none. `accepts` is the header accept-encoding. */
  file(path: string, accepts: string): WebFile | undefined
}

export function gatewayApp(
  house: House,
  gate: GateOptions,
  files: WebFiles,
  addressOf: (environment: unknown) => string,
): Routes {
  const app = new Hono<Environment>()
  app.use(async (c, next) => {
    const asker = { address: addressOf(c.env) }
    const { method, path } = c.req
    const refusal = refusalOf({ method, path, header: (name) => c.req.header(name) }, gate)
    if (refusal !== undefined) {
      const { status, code, message } = refusal
      house.log('warn', 'the console refused a request', { client: asker.address, method, path, reason: message })
      return c.json({ code, message }, status, securityHeaders)
    }
    c.set('asker', asker)
    await next()
    for (const [name, value] of Object.entries(securityHeaders))
      if (!c.res.headers.has(name)) c.res.headers.set(name, value)
    if (path.startsWith('/api/') && !c.res.headers.has('cache-control')) c.res.headers.set('cache-control', 'no-store')
  })
  if (!house.allowsWrites) {
    app.on(['POST', 'PUT', 'DELETE', 'PATCH'], '/api/*', (c) => {
      const message = 'this console only reads; start it with --allow-writes'
      house.log('warn', 'the console refused a write', { client: c.get('asker').address, path: c.req.path })
      return c.json({ code: 'READ_ONLY', message }, 403)
    })
  }
  treeRoutes(app, house)
  changeRoutes(app, house)
  structureRoutes(app, house)
  serverRoutes(app, house)
  pastRoutes(app, house)
  writeRoutes(app, house)
  sessionWrites(app, house)
  pastWrites(app, house)
  app.all('/api/*', (c) => c.json({ code: 'WRONG', message: `there is no ${c.req.method} ${c.req.path}` }, 404))
  app.get('*', (c) => {
    const file = files.file(c.req.path, c.req.header('accept-encoding') ?? '')
    if (file !== undefined) return c.body(file.body, 200, file.headers)
    // Every view has an address of its own, and all of them are one page.
    const nonce = [...house.runtime.random.bytes(16)].map((byte) => byte.toString(16).padStart(2, '0')).join('')
    const page = files.page(nonce)
    const policy = securityHeaders['content-security-policy']?.replace(
      "style-src 'self'",
      `style-src 'self' 'nonce-${nonce}'`,
    )
    return c.body(page.body, 200, {
      ...page.headers,
      ...(policy !== undefined && { 'content-security-policy': policy }),
    })
  })
  app.onError((error, c) => {
    const { status, problem } = problemOf(error)
    if (status === 500) {
      house.log('error', 'the console could not answer', {
        path: c.req.path,
        session: formatHex(house.zk.sessionId),
        cause: error.message,
      })
    }
    // What is left of a body that was not read must not be taken for the next request.
    return c.json(problem, status, status === 413 ? { connection: 'close' } : {})
  })
  return app
}
