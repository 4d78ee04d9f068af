extension Definitions {
    static let meta = """
        package meta.v1

        type ObjectMeta : What every object has: its names, labels, and how it came to be.
        1 name string : The name, unique among the kind's objects in a namespace. Cannot change.
        2 generateName string : A prefix from which the server makes a unique name if there is none.
        3 namespace string : The namespace the object lives in. Cannot change.
        4 selfLink string : No longer used.
        5 uid string : Unique in time and space; set by the server.
        6 resourceVersion string : Changes with every write; send it back to detect that somebody else wrote.
        7 generation int64 : Counts the changes of the wanted state.
        8 creationTimestamp time : When the server made the object.
        9 deletionTimestamp time : When the object will be gone; set by a graceful delete.
        10 deletionGracePeriodSeconds int64? : How long the object may take to stop.
        11 labels map string : Names and values by which selectors find the object.
        12 annotations map string : Names and values that tools keep with the object.
        13 ownerReferences []OwnerReference key=uid : The objects this one depends on; it goes when all of them are gone.
        14 finalizers []string set : Who must agree before the object is removed.
        17 managedFields []ManagedFieldsEntry : Which manager has set which fields.

        type OwnerReference : An object that owns this one, in the same namespace or in none.
        5 apiVersion string required : API version of the owner.
        1 kind string required : Kind of the owner.
        3 name string required : Name of the owner.
        4 uid string required : UID of the owner.
        6 controller bool? : Whether the owner manages this object.
        7 blockOwnerDeletion bool? : Whether a foreground delete of the owner waits for this object.

        type ManagedFieldsEntry : The fields that one manager has set by one operation.
        1 manager string
        2 operation string in=Apply|Update
        3 apiVersion string
        4 time time
        6 fieldsType string
        7 fieldsV1 any
        8 subresource string

        type ListMeta : What every list has.
        1 selfLink string
        2 resourceVersion string : Where a watch goes on.
        3 continue string : Ask with this for the next part.
        4 remainingItemCount int64?

        type LabelSelector : Objects whose labels fit all of this. An empty selector fits everything.
        1 matchLabels map string : Each label must have this value.
        2 matchExpressions []LabelSelectorRequirement : Each expression must hold.

        type LabelSelectorRequirement : A key, an operator and values.
        1 key string required
        2 operator string required in=In|NotIn|Exists|DoesNotExist
        3 values []string : Empty for Exists and DoesNotExist.

        type Condition : One aspect of an object's state.
        1 type string required
        2 status string required in=True|False|Unknown
        3 observedGeneration int64
        4 lastTransitionTime time
        5 reason string keep
        6 message string keep
        """
}
