import Telemetry
import Testing

@testable import Scraping

@Suite struct ScrapePageTests {
    static func page(_ configure: (inout ScrapeConfiguration) -> Void = { _ in }) -> ScrapePage {
        var configuration = ScrapeConfiguration(jobName: "j")
        configure(&configuration)
        return ScrapePage(configuration, target: ["job": "j", "instance": "i"], seed: 3)
    }

    /// Labels without the target's, with values; absent ones left out.
    static func values(_ page: ScrapePage) -> [String: Double] {
        var result: [String: Double] = [:]
        for (labels, value) in zip(page.labels, page.values) where !value.isAbsent {
            result["\(labels.filter { $0.name != "job" && $0.name != "instance" })"] = value
        }
        return result
    }

    @Test func `series come, stay, move and end`() throws {
        var page = Self.page()
        let first = try page.read(Array("a{x=\"1\"} 1\nb 2\n".utf8), .text, at: 0)
        #expect(first.scraped == 2 && first.kept == 2 && first.added == 2)
        #expect(Self.values(page) == ["a{x=\"1\"}": 1, "b": 2])
        // Another order, one more.
        let second = try page.read(Array("b 3\nc 4\na{x=\"1\"} 5\n".utf8), .text, at: 1)
        #expect(second.added == 1)
        #expect(Self.values(page) == ["a{x=\"1\"}": 5, "b": 3, "c": 4])
        _ = try page.read(Array("b 6\n".utf8), .text, at: 2)
        #expect(Self.values(page)["b"] == 6)
        #expect(page.values.count { $0.isStale } == 2)
        // A marker once, not again.
        _ = try page.read(Array("b 7\n".utf8), .text, at: 3)
        #expect(Self.values(page) == ["b": 7])
        page.fail()
        #expect(page.values.count { $0.isStale } == 1)
        #expect(try page.read(Array("b 8\n".utf8), .text, at: 5).added == 1)
    }

    @Test func `of a series that comes twice the first counts`() throws {
        var page = Self.page()
        let outcome = try page.read(Array("a 1\na 2\n".utf8), .text, at: 0)
        #expect(outcome.duplicates == 1)
        #expect(Self.values(page) == ["a": 1])
    }

    @Test func `the target's labels win, or the page's`() throws {
        var page = Self.page()
        _ = try page.read(Array("a{job=\"own\",exported_job=\"e\"} 1\n".utf8), .text, at: 0)
        #expect(page.labels == [["__name__": "a", "job": "j", "instance": "i", "exported_job": "e", "exported_exported_job": "own"]])
        page = Self.page { $0.honorLabels = true }
        _ = try page.read(Array("a{job=\"own\"} 1\nb{instance=\"\"} 1\n".utf8), .text, at: 0)
        #expect(page.labels[0] == ["__name__": "a", "job": "own", "instance": "i"])
    }

    @Test func `times of their own are honoured or not`() throws {
        var page = Self.page()
        let outcome = try page.read(Array("a 1 77\nb 2\n".utf8), .text, at: 99)
        #expect(outcome.timed.map(\.timestamps) == [[77]])
        #expect(Self.values(page) == ["b": 2])
        #expect(outcome.kept == 2)
        page = Self.page { $0.honorTimestamps = false }
        #expect(try page.read(Array("a 1 77\n".utf8), .text, at: 99).timed.isEmpty)
        #expect(Self.values(page) == ["a": 1])
    }

    @Test func `relabelling drops and renames`() throws {
        var page = Self.page {
            $0.metricRelabelling = [
                (try? RelabelRule(.drop, ["__name__"], regex: "go_.*")) ?? RelabelRule(), (try? RelabelRule(.replace, ["x"], target: "y")) ?? RelabelRule(),
            ]
        }
        let outcome = try page.read(Array("go_a 1\nb{x=\"1\"} 2\n".utf8), .text, at: 0)
        #expect(outcome.scraped == 2 && outcome.kept == 1)
        #expect(Self.values(page) == ["b{x=\"1\", y=\"1\"}": 2])
    }

    @Test func `limits fail the whole scrape and say which`() throws {
        func failure(_ text: String, _ configure: (inout ScrapeConfiguration) -> Void) -> String? {
            var page = Self.page(configure)
            do throws(ScrapeFailure) {
                _ = try page.read(Array(text.utf8), .text, at: 0)
                return nil
            } catch {
                return error.description
            }
        }
        #expect(failure("a 1\nb 2\n") { $0.sampleLimit = 1 } == "the page has more samples than sample_limit, 1")
        #expect(failure("a 1\nb 2\n") { $0.sampleLimit = 2 } == nil)
        #expect(failure("a{x=\"1\"} 1\n") { $0.labelLimit = 1 } == "a series of a has 2 labels, label_limit is 1")
        #expect(failure("a{xyz=\"1\"} 1\n") { $0.labelNameLengthLimit = 2 }?.hasPrefix("a label name of a has") == true)
        #expect(failure("a{x=\"12345678901\"} 1\n") { $0.labelValueLengthLimit = 10 } == "the label x of a has 11 bytes, label_value_length_limit is 10")
        #expect(failure("a\n") { _ in } == "the page cannot be read: line 1: the value is no number")
    }

    @Test func `a page that fails half way leaves no half`() throws {
        var page = Self.page()
        _ = try page.read(Array("a 1\nb 2\n".utf8), .text, at: 0)
        #expect(throws: ScrapeFailure.self) { try page.read(Array("a 3\nb\n".utf8), .text, at: 1) }
        page.fail()
        #expect(page.values.allSatisfy { $0.isStale })
        _ = try page.read(Array("a 4\nb 5\n".utf8), .text, at: 2)
        #expect(Self.values(page) == ["a": 4, "b": 5])
    }

    @Test func `what ended long ago is forgotten`() throws {
        var page = Self.page()
        for round in 0..<20 {
            let text = "keep \(round)\n" + (0..<100).map { "churn{r=\"\(round)\",i=\"\($0)\"} 1\n" }.joined()
            _ = try page.read(Array(text.utf8), .text, at: Int64(round))
            #expect(page.presentCount == 101)
            page.compact()
            #expect(page.labels.count <= 700)
        }
        #expect(Self.values(page).isEmpty || page.labels.contains(["__name__": "keep", "job": "j", "instance": "i"]))
    }

    @Test(arguments: UInt64(1)...25)
    func `any sequence of pages gives what a plain reading gives`(seed: UInt64) throws {
        var random = seed
        func next(_ limit: Int) -> Int {
            random = random &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int(random >> 33) % limit
        }
        var page = Self.page()
        var before: Set<String> = []
        for round in 0..<40 {
            var expected: [String: Double] = [:]
            var text = ""
            var names = (0..<12).map { "m\($0)" }
            if next(3) == 0 { for index in names.indices { names.swapAt(index, next(names.count)) } }
            for name in names where next(5) > 0 {
                let value = Double(next(1000)) / 8
                text += "\(name) \(value)\n"
                if expected[name] == nil { expected[name] = value }
            }
            if next(8) == 0 {
                page.fail()
                expected = [:]
            } else {
                _ = try page.read(Array(text.utf8), .text, at: Int64(round))
            }
            var got = Self.values(page)
            for gone in before.subtracting(expected.keys) {
                #expect(got[gone]?.isStale == true, "seed \(seed) round \(round)")
                got[gone] = nil
            }
            #expect(got == expected, "seed \(seed) round \(round)")
            before = Set(expected.keys)
            if next(4) == 0 { page.compact() }
        }
    }
}
