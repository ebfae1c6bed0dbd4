/** What a start checks before it opens anything, without a start. */
import type { Runtime } from '@lightkeeper/runtime'
import { nodeRuntime } from '@lightkeeper/runtime/node'
import { resolveConfig, type ServerConfig, type ServerOptions } from './config/config.ts'
import { loadCredentials } from './tls/host.ts'

/**
 * Checks settings as `startServer` does, and reads the stores of keys and certificates that they name. It opens no port and no data
 * directory. Returns the settings with their defaults.
 * @throws ConfigError for a setting, or for a file it names, that cannot be used.
 */
export async function checkOptions(options: ServerOptions, runtime: Partial<Runtime> = {}): Promise<ServerConfig> {
  const host = nodeRuntime(runtime)
  const config = resolveConfig(options, host.clock.wall())
  await loadCredentials(config, host)
  return config
}
