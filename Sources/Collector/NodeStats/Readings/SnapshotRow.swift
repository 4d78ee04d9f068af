import Exposition

extension NodeSnapshot {
    /// One cgroup at one moment, with whom it belongs to.
    ///
    /// A page asks each row for a hundred metrics, and a row is some 3 KiB with dozens of references: so a copy is one
    /// reference to a box, which is copied when a shared row is changed.
    public struct Row: Sendable {
        private struct Fields {
            var reference: ContainerReference
            var sample: CgroupSample
            var previous: CgroupSample? = nil
            var limits: CgroupLimits = CgroupLimits()
            var network: NetworkReading? = nil
            var logBytes: UInt64? = nil
            var writableLayer: (bytes: UInt64, files: UInt64)? = nil
            var volumes: [VolumeUsage] = []
            var fileSystems: [ContainerFileSystem] = []
            var labels: RenderedLabels = RenderedLabels.none
            var cgroupCreated: Int64 = 0
        }
        /// Sendable since it is changed only while one row alone has it.
        private final class Box: @unchecked Sendable {
            var fields: Fields
            init(_ fields: Fields) { self.fields = fields }
        }
        private var box: Box

        public init(
            reference: ContainerReference, sample: CgroupSample, previous: CgroupSample? = nil, limits: CgroupLimits = CgroupLimits(),
            network: NetworkReading? = nil, logBytes: UInt64? = nil, writableLayer: (bytes: UInt64, files: UInt64)? = nil,
            labels: RenderedLabels? = nil
        ) {
            box = Box(
                Fields(
                    reference: reference, sample: sample, previous: previous, limits: limits, network: network, logBytes: logBytes,
                    writableLayer: writableLayer, labels: labels ?? RenderedLabels(reference.labels)))
        }

        private mutating func own() {
            if !isKnownUniquelyReferenced(&box) { box = Box(box.fields) }
        }

        public var reference: ContainerReference {
            _read { yield box.fields.reference }
            _modify {
                own()
                yield &box.fields.reference
            }
        }
        public var sample: CgroupSample {
            _read { yield box.fields.sample }
            _modify {
                own()
                yield &box.fields.sample
            }
        }
        /// When the row was read, in nanoseconds since 1970.
        public var time: Int64 { box.fields.sample.time }
        /// The sample before, for rates; nil in the first round.
        public var previous: CgroupSample? {
            _read { yield box.fields.previous }
            _modify {
                own()
                yield &box.fields.previous
            }
        }
        public var limits: CgroupLimits {
            _read { yield box.fields.limits }
            _modify {
                own()
                yield &box.fields.limits
            }
        }
        /// Of the network namespace; nil but for pods' own rows and for containers with a namespace of their own.
        public var network: NetworkReading? {
            _read { yield box.fields.network }
            _modify {
                own()
                yield &box.fields.network
            }
        }
        /// Bytes of the container's log files; nil if it has none or they were not measured yet.
        public var logBytes: UInt64? {
            _read { yield box.fields.logBytes }
            _modify {
                own()
                yield &box.fields.logBytes
            }
        }
        /// Bytes and files of the writable layer; nil if it has none or it was not measured yet.
        public var writableLayer: (bytes: UInt64, files: UInt64)? {
            _read { yield box.fields.writableLayer }
            _modify {
                own()
                yield &box.fields.writableLayer
            }
        }
        /// A pod's volumes that take up room on this node, measured; empty elsewhere.
        public var volumes: [VolumeUsage] {
            _read { yield box.fields.volumes }
            _modify {
                own()
                yield &box.fields.volumes
            }
        }
        /// The file system that holds the container's writable layer; for the root all of the machine's.
        public var fileSystems: [ContainerFileSystem] {
            _read { yield box.fields.fileSystems }
            _modify {
                own()
                yield &box.fields.fileSystems
            }
        }
        /// The labels of the row's samples, rendered when the owner was last heard of.
        public var labels: RenderedLabels {
            _read { yield box.fields.labels }
            _modify {
                own()
                yield &box.fields.labels
            }
        }
        /// Nanoseconds since 1970 when the cgroup was made, for an owner that says nothing of it; 0 if not known.
        public var cgroupCreated: Int64 {
            _read { yield box.fields.cgroupCreated }
            _modify {
                own()
                yield &box.fields.cgroupCreated
            }
        }

        /// When the container was started and made, in nanoseconds since 1970: what the owner says, else the cgroup's age.
        public var started: Int64 { box.fields.reference.started > 0 ? box.fields.reference.started : cgroupCreated }
        public var created: Int64 {
            box.fields.reference.created > 0 ? box.fields.reference.created : cgroupCreated > 0 ? cgroupCreated : box.fields.reference.started
        }

        /// CPU use between the two newest samples in billionths of a core (contracts/metrics.md 1.6); nil after one
        /// sample, a reset, or without progress of time.
        public var usageNanoCores: UInt64? {
            guard let before = box.fields.previous?.time, let new = box.fields.sample.cpuUsage, let old = box.fields.previous?.cpuUsage, new >= old,
                box.fields.sample.time > before
            else { return nil }
            return UInt64(Double(new - old) * 1e9 / Double(box.fields.sample.time - before))
        }

        public struct VolumeUsage: Hashable, Sendable {
            public var name: String
            /// Empty if the volume is no claim's.
            public var claim: String
            public var usage: FileSystemUsage
            public init(name: String, claim: String, usage: FileSystemUsage) {
                self.name = name
                self.claim = claim
                self.usage = usage
            }
        }
    }
}
