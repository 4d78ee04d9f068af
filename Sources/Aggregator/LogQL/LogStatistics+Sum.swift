extension LogStatistics {
    /// Adds the cost of another page or thread; what is damaged is named once.
    public mutating func add(_ other: LogStatistics) {
        chunks += other.chunks
        chunksSkipped += other.chunksSkipped
        bytes += other.bytes
        lines += other.lines
        for part in other.damaged where !damaged.contains(part) { damaged.append(part) }
    }
}
