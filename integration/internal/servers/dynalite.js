// Starts dynalite on a free loopback port and prints the port.
const server = require('dynalite')({createTableMs: 5, updateTableMs: 5, deleteTableMs: 5})
server.listen(0, '127.0.0.1', () => console.log(server.address().port))
