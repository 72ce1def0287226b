package main

import (
	"context"
	"fmt"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	utilruntime "k8s.io/apimachinery/pkg/util/runtime"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/util/workqueue"
	"k8s.io/klog/v2"

	demov1 "leadergate.dev/interop/api/v1"
)

var redirects = demov1.GroupVersion.WithResource("redirects")

type controller struct {
	client   dynamic.Interface
	informer cache.SharedIndexInformer
	queue    workqueue.TypedRateLimitingInterface[cache.ObjectName]
	pod      string
	// skipObserved leaves a status alone that speaks of the Redirect's generation, whoever wrote it.
	skipObserved bool
}

func newController(
	client dynamic.Interface,
	informer cache.SharedIndexInformer,
	pod string,
	skipObserved bool,
	retries workqueue.TypedRateLimiter[cache.ObjectName],
) *controller {
	c := &controller{
		client:   client,
		informer: informer,
		queue:    workqueue.NewTypedRateLimitingQueue(retries),
		pod:      pod,

		skipObserved: skipObserved,
	}
	_, err := c.informer.AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc:    c.enqueue,
		UpdateFunc: func(_, object any) { c.enqueue(object) },
		DeleteFunc: c.enqueue,
	})
	utilruntime.Must(err)
	return c
}

func (c *controller) enqueue(object any) {
	name, err := cache.DeletionHandlingObjectToName(object)
	if err != nil {
		utilruntime.HandleError(err)
		return
	}
	c.queue.Add(name)
}

func (c *controller) run(ctx context.Context, workers int) {
	defer c.queue.ShutDown()
	go c.informer.RunWithContext(ctx)
	if !cache.WaitForCacheSync(ctx.Done(), c.informer.HasSynced) {
		return
	}
	klog.InfoS("Starting workers", "count", workers)
	for range workers {
		go wait.UntilWithContext(ctx, c.work, time.Second)
	}
	<-ctx.Done()
}

func (c *controller) work(ctx context.Context) {
	for c.next(ctx) {
	}
}

func (c *controller) next(ctx context.Context) bool {
	name, shutdown := c.queue.Get()
	if shutdown {
		return false
	}
	defer c.queue.Done(name)
	if err := c.sync(ctx, name); err != nil {
		utilruntime.HandleErrorWithContext(ctx, err, "Error syncing; requeuing", "redirect", name)
		c.queue.AddRateLimited(name)
		return true
	}
	c.queue.Forget(name)
	return true
}

func (c *controller) sync(ctx context.Context, name cache.ObjectName) error {
	found, exists, err := c.informer.GetStore().GetByKey(name.String())
	if err != nil || !exists {
		return err
	}
	cached := found.(*unstructured.Unstructured)
	var redirect demov1.Redirect
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(cached.Object, &redirect); err != nil {
		return fmt.Errorf("reading %s: %w", name, err)
	}
	if c.skipObserved && redirect.Status.ObservedGeneration == redirect.Generation {
		return nil
	}
	// What the cache holds is not ours to change, and the conversion may share with it.
	changed := redirect.DeepCopy()
	changed.Status.ObservedGeneration = changed.Generation
	changed.Status.WrittenBy = c.pod
	meta.SetStatusCondition(&changed.Status.Conditions, metav1.Condition{
		Type:               "Programmed",
		Status:             metav1.ConditionTrue,
		ObservedGeneration: changed.Generation,
		Reason:             "Serving",
		Message:            changed.Spec.Path + " leads to " + changed.Spec.Target,
	})
	object, err := runtime.DefaultUnstructuredConverter.ToUnstructured(changed)
	if err != nil {
		return fmt.Errorf("writing %s: %w", name, err)
	}
	_, err = c.client.Resource(redirects).Namespace(name.Namespace).
		UpdateStatus(ctx, &unstructured.Unstructured{Object: object}, metav1.UpdateOptions{})
	if apierrors.IsNotFound(err) {
		return nil
	}
	return err
}
