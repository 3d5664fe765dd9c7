// Starts kinesalite on a free loopback port and prints the port.
const server = require('kinesalite')({createStreamMs: 5, updateStreamMs: 5, deleteStreamMs: 5, shardLimit: 500})
server.listen(0, '127.0.0.1', () => console.log(server.address().port))
