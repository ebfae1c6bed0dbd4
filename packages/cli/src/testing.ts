/** `lightkeeper/testing`. */
export {
  type ApacheOptions,
  type ApacheServer,
  type ApacheVersion,
  type Availability,
  apache,
  apacheAvailable,
  ask,
  type Proxy,
  proxy,
  SeededRandom,
  SimNetwork,
  World,
} from '@lightkeeper/testing'
