import SQLite
import TestKit
import Testing

@Suite struct DatabaseTests {
    @Test func `stores and returns every kind of value`() throws {
        let directory = TemporaryDirectory("sqlite")
        let database = try Database(path: directory.file("a.db"), durability: .full)
        try database.execute("CREATE TABLE t(a INTEGER PRIMARY KEY, b, c) STRICT".replacing("b, c", with: "b ANY, c ANY"))
        try database.run("INSERT INTO t VALUES(1, ?, ?)", .blob([]), .text("é"))
        try database.run("INSERT INTO t VALUES(2, ?, ?)", .blob([0, 1]), nil)
        let statement = try database.prepare("SELECT b, c FROM t ORDER BY a")
        #expect(try statement.step())
        #expect(statement.value(0) == .blob([]) && statement.text(1) == "é")
        #expect(try statement.step())
        #expect(statement.blob(0) == [0, 1] && statement.isNull(1))
        #expect(try !statement.step())
    }

    @Test func `rolls a transaction back when its body throws`() throws {
        struct Stop: Error {}
        let database = try Database(path: ":memory:", durability: .normal)
        try database.execute("CREATE TABLE t(a INTEGER)")
        #expect(throws: Stop.self) {
            try database.transaction {
                try database.run("INSERT INTO t VALUES(1)")
                throw Stop()
            }
        }
        #expect(try database.scalar("SELECT count(*) FROM t")?.integer == 0)
    }

    @Test func `names the statement that failed`() throws {
        let database = try Database(path: ":memory:", durability: .normal)
        let error = #expect(throws: SQLiteError.self) { try database.run("SELECT * FROM missing") }
        #expect(error?.description.contains("no such table: missing") == true)
    }
}
