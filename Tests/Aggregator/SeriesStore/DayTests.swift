import Testing

@testable import SeriesStore

@Suite struct DayTests {
    @Test(arguments: [(0, "series-1970-01-01.db"), (20_780, "series-2026-11-23.db"), (-1, "series-1969-12-31.db")])
    func `a day has a file name and back`(number: Int64, name: String) {
        #expect(Day(number: number).fileName == name)
        #expect(Day(fileName: name) == Day(number: number))
        #expect(Day(of: number * 86_400_000) == Day(number: number))
        #expect(Day(of: number * 86_400_000 + 86_399_999) == Day(number: number))
    }

    @Test(arguments: ["head.db", "series-2026-13-01.db", "series-2026-11-23.db-wal", "series-2026-02-30.db", "series-2026-11-23.db.damaged"])
    func `other names are no day files`(name: String) { #expect(Day(fileName: name) == nil) }
}
