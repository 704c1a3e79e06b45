// A bare peer: Fastify and better-sqlite3; one durable insert, then the answer.
'use strict'

const Database = require('better-sqlite3')
const Fastify = require('fastify')

const db = new Database(`${process.env.DATA_DIR}/peer.sqlite`)
db.pragma('journal_mode = WAL')
db.pragma('synchronous = FULL')
db.exec(`CREATE TABLE IF NOT EXISTS response (
  id TEXT PRIMARY KEY, survey TEXT NOT NULL, score INTEGER NOT NULL, comment TEXT, touchpoint TEXT,
  language TEXT, page TEXT, properties TEXT, created_at TEXT NOT NULL)`)
const insert = db.prepare(`INSERT INTO response
  VALUES (@id, @survey, @score, @comment, @touchpoint, @language, @page, @properties, @created_at)`)

const text = { type: 'string' }
const body = {
  type: 'object',
  required: ['id', 'survey', 'score'],
  properties: {
    id: text, survey: text, score: { type: 'integer', minimum: 0, maximum: 10 }, comment: text,
    touchpoint: text, language: text, page: text, properties: { type: 'object' },
  },
}

const app = Fastify()
app.post('/r', { schema: { body } }, async (request, reply) => {
  const { id, survey, score, comment = null, touchpoint = null, language = null, page = null, properties = {} } =
    request.body
  insert.run({
    id, survey, score, comment, touchpoint, language, page,
    properties: JSON.stringify(properties), created_at: new Date().toISOString(),
  })
  reply.code(201)
  return { id, score }
})
app.get('/readyz', async () => ({}))
app.get('/count', async () => db.prepare('SELECT count(*) AS n FROM response').get().n)
app.listen({ host: '127.0.0.1', port: Number(process.env.PORT) })
