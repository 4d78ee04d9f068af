import TestKit
import Objects
import Testing

@Suite struct QuantityTests {
    @Test(arguments: [
        ("0", "0"), ("1", "1"), ("-1", "-1"), ("+1", "1"), ("100m", "100m"), ("1000m", "1"), ("1.5", "1500m"), ("0.1", "100m"), (".5", "500m"), ("5.", "5"),
        ("1e3", "1e3"), ("12e6", "12e6"), ("1E3", "1e3"), ("1000", "1k"), ("500k", "500k"), ("1024Mi", "1Gi"), ("1.5Gi", "1536Mi"), ("64Mi", "64Mi"),
        ("1023", "1023"), ("100Ki", "100Ki"), ("0.5Ki", "512"), ("1n", "1n"), ("0.1n", "1n"), ("1E", "1E"), ("1Ei", "1Ei"), ("0Gi", "0"), ("3.0", "3"),
        ("123456789123456789123456789", "9223372036854775807"), ("1e-3", "1e-3"), ("-0.0000000001", "-1n"), ("1.1Ki", "1127"),
    ])
    func `is written canonically`(text: String, canonical: String) throws {
        #expect(try #require(Quantity(text)).description == canonical)
    }

    @Test(arguments: [
        "", "x", "1 Mi", "1mi", "--1", "1.2.3", "1KiB", "Mi", "1e", ".", "1e9999", "1e-9223372036854775808", "1e9223372036854775807", "1ee3", "0x10",
    ])
    func `refuses what is none`(text: String) { #expect(Quantity(text) == nil) }

    @Test(arguments: [("1.5", 2, 1500), ("100m", 1, 100), ("-1.5", -1, -1500), ("1Mi", 1_048_576, 1_048_576_000), ("1u", 1, 1)])
    func `rounds up to whole numbers and thousandths`(text: String, value: Int64, milli: Int64) throws {
        let quantity = try #require(Quantity(text))
        #expect(quantity.value == value)
        #expect(quantity.milliValue == milli)
    }

    @Test func `compares and adds by amount`() throws {
        #expect(Quantity("1000m") == Quantity("1"))
        #expect(try #require(Quantity("1Gi")) > #require(Quantity("1G")))
        #expect(try (#require(Quantity("100m")) + #require(Quantity("1"))).description == "1100m")
        #expect(try (#require(Quantity("1Gi")) - #require(Quantity("512Mi"))).description == "512Mi")
    }

    @Test func `reads back what it writes`() throws {
        let seed = UInt64.random(in: 0 ... .max)
        var generator = SeededGenerator(seed: seed)
        for _ in 0..<2000 {
            let number = Int64.random(in: -1_000_000_000_000...1_000_000_000_000, using: &generator) >> Int64.random(in: 0...40, using: &generator)
            let suffix = ["", "n", "u", "m", "k", "M", "G", "T", "Ki", "Mi", "Gi", "e3", "e-3"].randomElement(using: &generator)!
            let first = try #require(Quantity("\(number)\(suffix)"), "seed \(seed)")
            let second = try #require(Quantity(first.description), "seed \(seed)")
            #expect(first == second && first.description == second.description, "seed \(seed): \(number)\(suffix)")
        }
    }
}
