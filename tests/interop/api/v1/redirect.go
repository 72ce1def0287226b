// Package v1 holds the types of demo.leadergate.dev/v1.
package v1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// GroupVersion is the group and version of the types here.
var GroupVersion = schema.GroupVersion{Group: "demo.leadergate.dev", Version: "v1"}

// AddToScheme registers the types here.
func AddToScheme(scheme *runtime.Scheme) error {
	scheme.AddKnownTypes(GroupVersion, &Redirect{}, &RedirectList{})
	metav1.AddToGroupVersion(scheme, GroupVersion)
	return nil
}

// Redirect is a path, and where it leads.
type Redirect struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata"`

	Spec   RedirectSpec   `json:"spec"`
	Status RedirectStatus `json:"status,omitempty"`
}

// RedirectSpec is what the owner wants.
type RedirectSpec struct {
	Path   string `json:"path"`
	Target string `json:"target"`
	Code   int    `json:"code,omitempty"`
}

// RedirectStatus is what an operator made of it.
type RedirectStatus struct {
	ObservedGeneration int64              `json:"observedGeneration,omitempty"`
	WrittenBy          string             `json:"writtenBy,omitempty"`
	Conditions         []metav1.Condition `json:"conditions,omitempty"`
}

// RedirectList is a list of Redirects.
type RedirectList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata"`

	Items []Redirect `json:"items"`
}

// DeepCopy returns a copy that shares nothing.
func (in *Redirect) DeepCopy() *Redirect {
	out := *in
	in.ObjectMeta.DeepCopyInto(&out.ObjectMeta)
	out.Status.Conditions = make([]metav1.Condition, len(in.Status.Conditions))
	for i := range in.Status.Conditions {
		in.Status.Conditions[i].DeepCopyInto(&out.Status.Conditions[i])
	}
	return &out
}

// DeepCopyObject makes Redirect a runtime.Object.
func (in *Redirect) DeepCopyObject() runtime.Object { return in.DeepCopy() }

// DeepCopyObject makes RedirectList a runtime.Object.
func (in *RedirectList) DeepCopyObject() runtime.Object {
	out := *in
	in.ListMeta.DeepCopyInto(&out.ListMeta)
	out.Items = make([]Redirect, len(in.Items))
	for i := range in.Items {
		out.Items[i] = *in.Items[i].DeepCopy()
	}
	return &out
}
