// Starts kinesis-local, which listens on every interface and has no setting for it: its servers are forced onto loopback, on
// free ports. Prints the port of the plain one once it listens. It looks for its certificate in the working directory.
const net = require('net')
const path = require('path')

const listen = net.Server.prototype.listen
net.Server.prototype.listen = function (...args) {
  const plain = portOf(args[0]) === 1
  const callback = args.find((arg) => typeof arg === 'function')
  this.once('listening', () => { if (plain) console.log(this.address().port) })
  return listen.call(this, {port: 0, host: '127.0.0.1'}, callback)
}

function portOf(arg) {
  return Number(arg !== null && typeof arg === 'object' ? arg.port : arg)
}

process.env.KINESIS_MOCK_PLAIN_PORT = '1' // stands for "a free one"
process.env.KINESIS_MOCK_TLS_PORT = '2'
process.env.SHARD_LIMIT = '500'
process.env.LOG_LEVEL = 'ERROR'
for (const change of ['CREATE_STREAM', 'DELETE_STREAM', 'SPLIT_SHARD', 'MERGE_SHARDS', 'UPDATE_SHARD_COUNT', 'UPDATE_STREAM_MODE',
  'REGISTER_STREAM_CONSUMER', 'DEREGISTER_STREAM_CONSUMER', 'START_STREAM_ENCRYPTION', 'STOP_STREAM_ENCRYPTION']) {
  process.env[change + '_DURATION'] = '20ms'
}
const main = require.resolve('kinesis-local')
process.chdir(path.dirname(main))
require(main)
