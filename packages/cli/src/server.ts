/** `lightkeeper/server`. */
export {
  ConfigError,
  type EffectiveSetting,
  effectiveSettings,
  optionsOf,
  parseZooCfg,
  type Reload,
  type RunningServer,
  resolveConfig,
  type ServerConfig,
  type ServerOptions,
  type SettingChange,
  startServer,
  type ZooCfg,
  type ZooCfgSources,
} from '@lightkeeper/server'
