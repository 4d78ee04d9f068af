extension Definitions {
    static let otherGroups = """
        package coordination.v1

        kind Lease : Says who holds something, and until when.
        2 spec LeaseSpec ={}

        type LeaseSpec : Who holds it.
        1 holderIdentity string?
        2 leaseDurationSeconds int32? range=1..
        3 acquireTime microTime
        4 renewTime microTime
        5 leaseTransitions int32? range=0..
        6 strategy string?
        7 preferredHolder string?

        package discovery.v1

        kind EndpointSlice : Some of the addresses behind a service.
        4 addressType string required immutable in=FQDN|IPv4|IPv6
        2 endpoints []Endpoint keep
        3 ports []EndpointPort

        type Endpoint : One endpoint.
        1 addresses []string required
        2 conditions EndpointConditions ={}
        3 hostname string?
        4 targetRef core.v1.ObjectReference?
        5 deprecatedTopology map string
        6 nodeName string?
        7 zone string?
        8 hints any?

        type EndpointConditions : Whether it takes traffic.
        1 ready bool?
        2 serving bool?
        3 terminating bool?

        type EndpointPort : One port.
        1 name string? =""
        2 protocol string? =TCP in=SCTP|TCP|UDP
        3 port int32?
        4 appProtocol string?

        package autoscaling.v1

        kind Scale : How many replicas something has and should have.
        2 spec ScaleSpec ={}
        3 status ScaleStatus ={}

        type ScaleSpec : How many there should be.
        1 replicas int32 range=0..

        type ScaleStatus : How many there are, and which pods they are.
        1 replicas int32 keep
        2 selector string

        package policy.v1

        kind Eviction : Asks for a pod to be stopped.
        2 deleteOptions any?

        package events.v1

        kind Event : Something that happened to an object.
        2 eventTime microTime
        3 series EventSeries?
        4 reportingController string
        5 reportingInstance string
        6 action string
        7 reason string
        8 regarding core.v1.ObjectReference ={}
        9 related core.v1.ObjectReference?
        10 note string
        11 type string
        12 deprecatedSource core.v1.EventSource ={}
        13 deprecatedFirstTimestamp time
        14 deprecatedLastTimestamp time
        15 deprecatedCount int32

        type EventSeries : An event that goes on.
        1 count int32 keep
        2 lastObservedTime microTime
        """
}
