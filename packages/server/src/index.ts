/** A ZooKeeper server in TypeScript: Apache's wire protocol, standalone. */
export { ConfigError, type ServerConfig, type ServerOptions } from './config/config.ts'
export { optionsOf, parseZooCfg, type ZooCfg } from './config/zoo-cfg.ts'
export { type RunningServer, startServer } from './server.ts'
