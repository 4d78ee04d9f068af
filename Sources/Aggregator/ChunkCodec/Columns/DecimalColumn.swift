/// A column of doubles as integers over one power of ten (or scaled as `DecimalScale.variants` say), as far as they are that; the others are exceptions.
struct DecimalColumn {
    var exponent: Int
    /// One a value; an exception repeats its neighbour, which costs nothing.
    var mantissas: [Int64]
    /// Rows of values that no integer gives.
    var exceptions: [Int]

    /// nil if more than one value in sixteen is an exception.
    init?(_ values: [Double]) {
        let decimal = DecimalColumn(decimals: values)
        if let decimal, decimal.exceptions.isEmpty {
            self = decimal
            return
        }
        for variant in DecimalScale.variants {
            // Most columns fail at one of the first values.
            guard let mantissas = DecimalScale.mantissas(values, exponent: variant) else { continue }
            self.init(exponent: variant, mantissas: mantissas, exceptions: [])
            return
        }
        guard let decimal else { return nil }
        self = decimal
    }

    private init(exponent: Int, mantissas: [Int64], exceptions: [Int]) {
        self.exponent = exponent
        self.mantissas = mantissas
        self.exceptions = exceptions
    }

    private init?(decimals values: [Double]) {
        let limit = values.count / 16
        var exponent = 0
        var misses = 0
        for value in values where DecimalScale.mantissa(value, exponent: exponent) == nil {
            if let larger = DecimalScale.exponent(of: value, from: exponent) {
                exponent = larger
            } else {
                misses += 1
                guard misses <= limit else { return nil }
            }
        }
        // A larger exponent that came later may push an earlier, large value out of range.
        self.exponent = exponent
        exceptions = []
        mantissas = []
        mantissas.reserveCapacity(values.count)
        var previous: Int64 = 0
        for (row, value) in values.enumerated() {
            if let mantissa = DecimalScale.mantissa(value, exponent: exponent) {
                previous = mantissa
            } else {
                exceptions.append(row)
                guard exceptions.count <= limit else { return nil }
            }
            mantissas.append(previous)
        }
    }

    /// The payload: exponent, exceptions, then the integers.
    func payload(_ plan: IntegerColumn.Plan, _ values: [Double]) -> [UInt8] {
        var bytes: [UInt8] = [UInt8(exponent)]
        bytes.appendVarint(exceptions.count)
        var last = -1
        for row in exceptions {
            bytes.appendVarint(row - last - 1)
            bytes.appendFixed(values[row].bitPattern)
            last = row
        }
        bytes.append(contentsOf: IntegerColumn.encode(plan))
        return bytes
    }

    static func decode(_ reader: inout ByteReader, count: Int) throws(ChunkError) -> [Double] {
        let (exponent, mantissas, exceptions) = try decodeMantissas(&reader, count: count)
        var values = DecimalScale.values(mantissas, exponent: exponent)
        for exception in exceptions { values[exception.row] = exception.value }
        return values
    }

    /// The same before its integers are made doubles.
    static func decodeMantissas(
        _ reader: inout ByteReader, count: Int
    ) throws(ChunkError) -> (exponent: Int, mantissas: [Int64], exceptions: [(row: Int, value: Double)]) {
        let exponent = Int(try reader.byte())
        guard exponent <= DecimalScale.variants.upperBound else { throw .malformed("a column of scale \(exponent)") }
        var exceptions: [(row: Int, value: Double)] = []
        var row = -1
        for _ in 0..<(try reader.count(upTo: count)) {
            row += try reader.count(upTo: count) + 1
            guard row < count else { throw .malformed("an exception in row \(row) of \(count)") }
            exceptions.append((row, Double(bitPattern: try reader.fixed64())))
        }
        return (exponent, try IntegerColumn.decode(&reader, count: count), exceptions)
    }
}
