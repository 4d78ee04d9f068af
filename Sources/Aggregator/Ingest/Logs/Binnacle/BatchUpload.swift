import LogParsing
import Telemetry

/// What `binnacle collect` sends: batches in `LogBatchCodec`'s form, each of which says which bytes of which file of which node
/// it is. The store leaves out what it has of them, however the sender cut them the second time.
enum BatchUpload {
    static let contentType = "application/vnd.binnacle.log-batches"

    static func read(_ bytes: [UInt8], limits: LogIngestLimits) throws(IngestError) -> [LogBatch] {
        let batches: [LogBatch]
        do throws(LogBatchCodecError) { batches = try LogBatchCodec.decode(bytes) } catch { throw IngestError(400, "\(error)") }
        for batch in batches {
            guard batch.stream.count > 0, batch.stream.count <= limits.labelsPerStream else {
                throw IngestError(400, "a stream has \(batch.stream.count) labels, expected 1 to \(limits.labelsPerStream)")
            }
            for label in batch.stream.list where label.name.utf8.count + label.value.utf8.count > limits.labelBytes {
                throw IngestError(400, "the label \(IngestLimits.short(label.name)) is longer than \(limits.labelBytes) bytes")
            }
            for record in batch.records {
                guard record.body.count <= limits.lineBytes else {
                    throw IngestError(400, "a line has \(record.body.count) bytes, the limit is \(limits.lineBytes)")
                }
                guard record.fields.count <= limits.fieldsPerRecord else {
                    throw IngestError(400, "a line has \(record.fields.count) fields, the limit is \(limits.fieldsPerRecord)")
                }
            }
        }
        return batches.filter { !$0.records.isEmpty }
    }
}
