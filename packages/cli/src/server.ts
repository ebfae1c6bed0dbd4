/** `lightkeeper/server`. */
export {
  ConfigError,
  optionsOf,
  parseZooCfg,
  type RunningServer,
  type ServerConfig,
  type ServerOptions,
  startServer,
  type ZooCfg,
  type ZooCfgSources,
} from '@lightkeeper/server'
