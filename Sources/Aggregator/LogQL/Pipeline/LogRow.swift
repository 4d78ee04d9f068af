import Telemetry

/// One line on its way through a pipeline.
struct LogRow {
    /// What holds the line: a batch's bytes, or a line that a stage wrote.
    var text: [UInt8] = []
    var start = 0
    var end = 0
    var time: Int64 = 0
    var sequence: Int64 = 0
    var labels = LabelSet()

    var byteCount: Int { end - start }

    var line: [UInt8] { Array(text[start..<end]) }

    mutating func replaceLine(_ bytes: [UInt8]) {
        text = bytes
        start = 0
        end = bytes.count
    }
}
