/** The configuration of an ensemble, as servers keep it in /zookeeper/config. */

/** `version host:port,host:port…`: what clients need of it, in the form of zkCli's `config -c`. */
export function clientConfiguration(config: string): string {
  let version = ''
  const addresses: string[] = []
  for (const line of config.split('\n')) {
    const at = line.indexOf('=')
    if (at === -1) continue
    const [key, value] = [line.slice(0, at).trim(), line.slice(at + 1).trim()]
    if (key === 'version') version = value
    else if (key.startsWith('server.')) addresses.push(...clientAddress(value))
  }
  return `${version} ${addresses.join(',')}`
}

/** `host:2888:3888:participant;0.0.0.0:2181` is served at `0.0.0.0:2181`, `host:2888:3888;2181` at `0.0.0.0:2181` too. */
function clientAddress(server: string): string[] {
  const at = server.lastIndexOf(';')
  if (at === -1) return []
  const address = server.slice(at + 1)
  return [/^\d+$/.test(address) ? `0.0.0.0:${address}` : address]
}
