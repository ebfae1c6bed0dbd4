/** `@lightkeeper/fastify`: the plugin, and the decorator that it adds to the types of Fastify. */
import type { Client } from '@lightkeeper/client'

export { type LightkeeperPluginOptions, lightkeeper } from './plugin.ts'

declare module 'fastify' {
  interface FastifyInstance {
    /** The client of `@lightkeeper/fastify`, registered without a `name`. */
    zk: Client
  }
}
